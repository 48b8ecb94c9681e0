import type { SocketHandle } from './shared-sockets.ts'

/** Where a server listens, for both kinds of sockets. */
export interface BindOptions {
  /** An IP address, IPv6 link-local ones with `%IFACE`; empty for all addresses of the machine. */
  address: string
  /** 0 lets the kernel choose. */
  port: number
  /** SO_REUSEPORT: another process may listen on the same port, too. */
  reusePort?: boolean
  /** A bound socket to use; `address` and `port` are then not bound again. Whatever is opened on it closes it. */
  handle?: SocketHandle | undefined
}

const MAPPED = '::ffff:'

/** IPv4 clients of a dual-stack socket as IPv4: `::ffff:192.0.2.1` becomes `192.0.2.1`. */
export function unmapAddress(address: string): string {
  return address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address
}

/** The opposite of {@link unmapAddress}. */
export function mapAddress(address: string): string {
  return address.includes(':') ? address : MAPPED + address
}

/** The local addresses to try, in order: a wildcard is dual-stack where the machine has IPv6. */
export function bindAddresses(address: string): string[] {
  return address === '' ? ['::', '0.0.0.0'] : [address]
}

/**
 * Addresses of its own that a UDP socket bound to `address` can be connected to, together with its own port, so that the kernel prefers the
 * other sockets of the port: nobody asks from there. The first one that the machine has is good.
 */
export function leavingAddresses(address: string): string[] {
  if (address === '0.0.0.0') return ['127.0.0.1']
  return address === '::' ? ['::1', '::ffff:127.0.0.1'] : [address]
}

/** Whether an error of `bind` says that the machine has no IPv6. */
export function isWithoutIPv6(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL' || code === 'EPROTONOSUPPORT' || code === 'EINVAL'
}
