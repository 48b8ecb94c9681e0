/** Certificates for tests, made by openssl. */
import { execFile } from 'node:child_process'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A self-signed certificate for `name`, which may be an address, valid for a day: paths of its PEM files in `folder`. */
export async function makeCertificate(folder: string, name: string): Promise<{ cert: string; key: string }> {
  const cert = join(folder, `${name}.crt`)
  const key = join(folder, `${name}.key`)
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...[
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`,
      '-out',
      cert,
      '-keyout',
      key,
    ],
  ])
  return { cert, key }
}
