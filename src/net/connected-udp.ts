/**
 * UDP sockets for a client, connected to one peer: the kernel drops what others send to them. The two back ends are those of `udp.ts`.
 */
import { ConnectedDgram } from './connected-dgram.ts'
import { ConnectedLibc } from './connected-libc.ts'
import { chooseLibc } from './libc.ts'

export interface ConnectedUdpOptions {
  /** IP address of the peer, IPv6 link-local ones with `%IFACE`. */
  address: string
  port: number
  /** Local IP address; the kernel's choice when left out. */
  sourceAddress?: string | undefined
  events: ConnectedUdpEvents
}

/** Told what happens on the socket, which survives all errors. */
export interface ConnectedUdpEvents {
  /** A datagram of the peer came; `packet` is valid until the call returns. */
  receive(packet: Uint8Array): void
  /** A datagram could not be sent; `packet` is valid until the call returns. */
  unsent(packet: Uint8Array, error: Error): void
  /** What was sent did not reach the peer, as the network says (ICMP). */
  failed(error: Error): void
}

export interface ConnectedUdp {
  /** Datagrams wait for others to leave with; the next costs little. */
  readonly isCollecting: boolean
  /** Sends a copy of a datagram, at the latest when the running task ends. Never throws. */
  send(packet: Uint8Array): void
  close(): void
}

/** Opens a socket on a port of the kernel's random choice. @throws the system's error, when there is no free file descriptor for example */
export function connectUdp(options: ConnectedUdpOptions): ConnectedUdp {
  const libc = chooseLibc()
  return libc ? new ConnectedLibc(libc, options) : new ConnectedDgram(options)
}
