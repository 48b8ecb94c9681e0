import { getCACertificates } from 'node:tls'

/** Certificates of the authorities that the system trusts, or of those that come with Node where the system has none; PEM. */
export function trustedAuthorities(): string[] {
  const system = getCACertificates('system')
  return system.length > 0 ? system : getCACertificates('bundled')
}
