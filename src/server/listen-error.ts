/** A listener's sockets could not be opened; the message is the one CoreDNS prints. */
export class ListenError extends Error {
  override name = 'ListenError'
}

/** `HOST:PORT`, brackets around IPv6. */
export function joinHostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** What the system says in Go's words, which scripts know from CoreDNS's output. */
const REASONS: Record<string, string> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
  EINVAL: 'invalid argument',
}

/** @param step what failed: `Listen` or `ListenPacket` */
export function toListenError(
  step: string,
  network: string,
  at: { address: string; port: number },
  cause: unknown,
): ListenError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const reason = Object.hasOwn(REASONS, code) ? REASONS[code] : message
  const text = `${step}: listen ${network} ${joinHostPort(at.address, at.port)}: bind: ${reason}`
  return new ListenError(text, { cause })
}
