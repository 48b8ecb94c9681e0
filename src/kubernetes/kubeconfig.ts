/** Reads the files that kubectl is configured with. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type ApiServer, type Credentials, toBearer } from './api-server.ts'
import { type Fields, toFields } from './fields.ts'

/** Most time, in milliseconds, that a program may take to give credentials. */
const EXEC_TIME = 30_000

/** Milliseconds before their end at which credentials are asked for anew. */
const MARGIN = 10_000

/**
 * The API server of a context of a kubeconfig, the current one when none is named.
 * @param now milliseconds since 1970
 * @throws (rejects) Error that says what is missing or not understood
 */
export async function fromKubeconfig(file: string, context: string | undefined, now: () => number): Promise<ApiServer> {
  const { parse } = await import('yaml')
  const config = toFields(parse(await readFile(file, 'utf8')))
  const name = context ?? textOf(config, 'current-context')
  if (name === undefined) throw new Error(`${file} has no current-context`)
  const chosen = find(config, 'contexts', 'context', name)
  const cluster = find(config, 'clusters', 'cluster', textOf(chosen, 'cluster') ?? '')
  const user = chosen.user === undefined ? {} : find(config, 'users', 'user', textOf(chosen, 'user') ?? '')
  const server = textOf(cluster, 'server')
  if (server === undefined) throw new Error(`the cluster of context ${name} has no server`)
  if (cluster['proxy-url'] !== undefined) throw new Error('proxy-url is not supported')
  const folder = dirname(file)
  const ca = await readData(cluster, 'certificate-authority', folder)
  const servername = textOf(cluster, 'tls-server-name')
  return {
    url: new URL(server),
    tls: {
      ...(ca !== undefined && { ca }),
      ...(servername !== undefined && { servername }),
      ...(cluster['insecure-skip-tls-verify'] === true && { rejectUnauthorized: false }),
    },
    credentials: await toCredentials(user, folder, now),
  }
}

/** The element of that name of a list such as `contexts`. */
function find(config: Fields, list: string, part: string, name: string): Fields {
  const all = Array.isArray(config[list]) ? config[list].map(toFields) : []
  const found = all.find((each) => each.name === name)
  if (!found) throw new Error(`no ${part} "${name}" in the kubeconfig`)
  return toFields(found[part])
}

async function toCredentials(user: Fields, folder: string, now: () => number): Promise<ApiServer['credentials']> {
  if (user['auth-provider'] !== undefined) throw new Error('auth-provider is not supported: use exec')
  if (user.exec !== undefined) return runForCredentials(toFields(user.exec), folder, now)
  const cert = await readData(user, 'client-certificate', folder)
  const key = await readData(user, 'client-key', folder)
  const fixed: Credentials = { ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }
  const tokenFile = textOf(user, 'tokenFile')
  const token = textOf(user, 'token')
  const name = textOf(user, 'username')
  if (tokenFile !== undefined) {
    const path = resolve(folder, tokenFile)
    return async () => ({ ...fixed, authorization: toBearer(await readFile(path, 'utf8')) })
  }
  if (token !== undefined) fixed.authorization = toBearer(token)
  else if (name !== undefined) {
    const pair = Buffer.from(`${name}:${textOf(user, 'password') ?? ''}`)
    fixed.authorization = `Basic ${pair.toString('base64')}`
  }
  return async () => fixed
}

/** Credentials of a program that speaks client.authentication.k8s.io, kept until they end. */
function runForCredentials(exec: Fields, folder: string, now: () => number): ApiServer['credentials'] {
  const command = textOf(exec, 'command')
  if (command === undefined) throw new Error('exec in the kubeconfig has no command')
  const program = command.includes('/') ? resolve(folder, command) : command
  const args = Array.isArray(exec.args) ? exec.args.map(String) : []
  const env: Record<string, string | undefined> = { ...process.env }
  for (const each of Array.isArray(exec.env) ? exec.env.map(toFields) : []) {
    env[String(each.name)] = String(each.value)
  }
  const version = textOf(exec, 'apiVersion') ?? 'client.authentication.k8s.io/v1'
  env.KUBERNETES_EXEC_INFO = JSON.stringify({
    apiVersion: version,
    kind: 'ExecCredential',
    spec: { interactive: false },
  })
  let kept: { credentials: Credentials; end: number } | undefined
  return async () => {
    if (kept && now() < kept.end - MARGIN) return kept.credentials
    const { stdout } = await promisify(execFile)(program, args, { env, timeout: EXEC_TIME })
    const status = toFields(toFields(JSON.parse(stdout)).status)
    const token = textOf(status, 'token')
    const cert = textOf(status, 'clientCertificateData')
    const key = textOf(status, 'clientKeyData')
    const credentials: Credentials = {
      ...(token !== undefined && { authorization: toBearer(token) }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    }
    const end = Date.parse(textOf(status, 'expirationTimestamp') ?? '')
    kept = { credentials, end: Number.isNaN(end) ? Infinity : end }
    return credentials
  }
}

/** The contents of `NAME-data`, in base64, or of the file `NAME`. */
async function readData(fields: Fields, name: string, folder: string): Promise<string | undefined> {
  const data = textOf(fields, `${name}-data`)
  if (data !== undefined) return Buffer.from(data, 'base64').toString()
  const file = textOf(fields, name)
  return file === undefined ? undefined : readFile(resolve(folder, file), 'utf8')
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
