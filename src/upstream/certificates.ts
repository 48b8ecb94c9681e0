import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { trustedAuthorities } from '../net/authorities.ts'

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
  return createSecureContext({ cert, key, ca: ca ?? trustedAuthorities(), minVersion: 'TLSv1.2' })
}
