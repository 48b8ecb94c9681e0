import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'

/**
 * What TLS upstreams are verified with and how this side identifies itself. Without a CA file the authorities that the system trusts count.
 * @param root folder that relative names start from
 * @throws Error when a file can't be read or holds no certificate or key
 */
export async function loadCertificates(
  files: { cert?: string; key?: string; ca?: string },
  root: string,
): Promise<SecureContext> {
  const read = async (file: string | undefined) => (file === undefined ? undefined : readFile(resolve(root, file)))
  const [cert, key, ca] = await Promise.all([read(files.cert), read(files.key), read(files.ca)])
  return createSecureContext({ cert, key, ca: ca ?? systemAuthorities(), minVersion: 'TLSv1.2' })
}

/** The system's store, or the one that comes with Node where the system has none. */
function systemAuthorities(): string[] {
  const system = getCACertificates('system')
  return system.length > 0 ? system : getCACertificates('bundled')
}
