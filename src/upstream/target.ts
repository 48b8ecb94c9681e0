import { isIPv6 } from 'node:net'

/** A server to ask, by address. */
export interface Target {
  transport: 'dns' | 'tls' | 'https' | 'grpc'
  /** IP address, an IPv6 one perhaps with its zone (`fe80::1%eth0`); for `grpc` also the path of a Unix socket. */
  address: string
  port: number
  /** Name that its certificate must have and that is sent as SNI; the address when left out. */
  serverName?: string
}

/** `IP:PORT`, IPv6 in brackets, or `unix://PATH`: the `to` label of metrics. */
export function showTarget({ address, port }: Target): string {
  if (isPath(address)) return `unix://${address}`
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}

/** Whether an address is the path of a Unix socket. */
export function isPath(address: string): boolean {
  return address.startsWith('/')
}
