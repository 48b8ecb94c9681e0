/** What a client needs of a UDP socket, whatever it is made of. */

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
