import { isIPv6 } from 'node:net'

/** A server to ask, by address. */
export interface Target {
  transport: 'dns' | 'tls' | 'https'
  /** IP address, an IPv6 one perhaps with its zone (`fe80::1%eth0`). */
  address: string
  port: number
  /** Name that its certificate must have and that is sent as SNI; the address when left out. */
  serverName?: string
}

/** `IP:PORT`, IPv6 in brackets: the `to` label of metrics. */
export function showTarget({ address, port }: Target): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}
