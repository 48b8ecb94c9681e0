/** What a plugin may know of the socket that a query came in on. */
export interface Listener {
  /** The metrics label, `dns://:53`. */
  readonly server: string
  readonly transport: Transport
  /** Address it is bound to; empty for all of them. */
  readonly address: string
  readonly port: number
  /** UDP answers so far that could not be sent, as the network took no more. */
  readonly droppedAnswers?: number
}

export type Transport = 'dns' | 'tls' | 'quic' | 'https' | 'https3' | 'grpc'

/** An end of a conversation. */
export interface Peer {
  readonly address: string
  readonly port: number
  /** 1 for IPv4, 2 for IPv6, where it is known without looking at the text of `address`. */
  readonly family?: 1 | 2
  /** Makes it outlive the datagram that it came with, where it otherwise does not. */
  keep?(): void
}
