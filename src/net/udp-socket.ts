/** What a server needs of a UDP socket, whatever it is made of. */
import type { BindOptions } from './bind.ts'
import type { SocketHandle } from './shared-sockets.ts'

/** An end of a conversation. */
export interface End {
  readonly address: string
  readonly port: number
}

/** Where a datagram came from, and the way back. Valid until the call that received it returns, or for good after {@link keep}. */
export interface UdpPeer extends End {
  /** 1 for IPv4, 2 for IPv6. */
  readonly family: 1 | 2
  /**
   * Where the datagram was sent to, and where the answer leaves from. On a socket for all addresses dgram does not know: it says the
   * wildcard, and the kernel's routing picks the source of the answer.
   */
  readonly local: End
  /** The answer is written to `out` from `offset` on, where {@link MAX_DATAGRAM} octets have room, and then sent; both change with each. */
  readonly out: Uint8Array
  readonly offset: number
  /** Sends what was written; nothing when `length` is 0. Never throws; a datagram that can't be sent is lost, as on the network. */
  send(length: number): void
  /** Makes it outlive the call that received the datagram. */
  keep(): void
}

/** Takes one datagram, but none from port 0, where no answer can go; `packet` and, unless kept, `peer` are valid until it returns. */
export type ReceiveDatagram = (packet: Uint8Array, peer: UdpPeer) => void

/** What a server needs of a UDP socket. */
export interface UdpSocket extends End {
  readonly handle: SocketHandle
  /** Datagrams that were not sent: not sendable, or too much waiting because the network takes no more. */
  readonly dropped: number
  /**
   * Leaves the sockets that share its port: the kernel gives it no further datagram where another one can take it. What waits is received
   * and answered as before. Processes that read from the same socket leave with it.
   */
  leave(): void
  /** Settles when what waits to be read was received. */
  receiveWaiting(): Promise<void>
  /** Settles when nothing is left to be sent. */
  drain(): Promise<void>
  close(): void
}

/** Octets of the longest datagram, with its header. */
export const MAX_DATAGRAM = 0xffff

/** Octets of datagrams that may wait in the kernel while the process is busy, as far as the system allows (net.core.rmem_max). */
export const RECEIVE_BUFFER = 4 * 1024 * 1024

export interface UdpOptions extends BindOptions {
  receive: ReceiveDatagram
  /** Called before datagrams that were taken together are handed out. */
  receiving?(): void
  /** Of a datagram that is longer only that many octets are received. */
  longest: number
  /** Told of each datagram that was not sent, see {@link UdpSocket.dropped}. */
  onDropped?(): void
  /** Told of errors of the open socket, which stays open. */
  onError?(error: Error): void
}
