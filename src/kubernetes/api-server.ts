/** Where Kubernetes' API is served, and who we are there. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a request identifies itself with. */
export interface Credentials {
  /** Value of the header of that name. */
  authorization?: string
  /** Client certificate and its key, PEM. */
  cert?: string
  key?: string
}

export interface ApiServer {
  /** Scheme, host, port, and a path in front of all others. */
  readonly url: URL
  readonly tls: {
    /** Authorities, PEM; those of the system when left out. */
    ca?: string
    /** Name that the certificate must be for; the host when left out. */
    servername?: string
    /** False takes any certificate. */
    rejectUnauthorized?: boolean
  }
  /** Asked before each request, as tokens are renewed. @throws (rejects) Error */
  credentials(): Promise<Credentials>
}

/** Where a pod finds its token and the authority of the API server. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * The API server of the cluster that this pod runs in, with its service account.
 * @throws (rejects) Error outside of a cluster
 */
export async function inCluster(
  env: Readonly<Record<string, string | undefined>> = process.env,
  folder = SERVICE_ACCOUNT,
): Promise<ApiServer> {
  const host = env.KUBERNETES_SERVICE_HOST
  const port = env.KUBERNETES_SERVICE_PORT
  if (!host || !port) {
    throw new Error(
      'unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined',
    )
  }
  const token = join(folder, 'token')
  await readFile(token)
  return {
    url: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    tls: { ca: await readFile(join(folder, 'ca.crt'), 'utf8') },
    credentials: async () => ({ authorization: toBearer(await readFile(token, 'utf8')) }),
  }
}

/** The API server of the options `endpoint` and `tls`. @throws (rejects) Error when a file can't be read, TypeError on a bad URL */
export async function atEndpoint(
  endpoint: string,
  files: { cert: string; key: string; ca: string } | undefined,
): Promise<ApiServer> {
  const url = new URL(endpoint.includes('://') ? endpoint : `http://${endpoint}`)
  if (!files) return { url, tls: {}, credentials: async () => ({}) }
  const [cert, key, ca] = await Promise.all(
    [files.cert, files.key, files.ca].map((file) => readFile(file, 'utf8')) as [
      Promise<string>,
      Promise<string>,
      Promise<string>,
    ],
  )
  return { url, tls: { ca }, credentials: async () => ({ cert, key }) }
}

export function toBearer(token: string): string {
  return `Bearer ${token.trim()}`
}
