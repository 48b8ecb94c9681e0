import { createSocket, type Socket } from 'node:dgram'
import type { ConnectedUdp, ConnectedUdpEvents, ConnectedUdpOptions } from './connected-socket.ts'

/** Octets that may wait in the process for the network. */
const MAX_SEND_QUEUE = 65_536

/** A connected socket on Node's dgram. */
export class ConnectedDgram implements ConnectedUdp {
  readonly isCollecting = false
  readonly #socket: Socket
  readonly #events: ConnectedUdpEvents
  #open = true

  /** @throws the system's error */
  constructor({ address, port, sourceAddress, events }: ConnectedUdpOptions) {
    this.#events = events
    const family = address.includes(':') ? 6 : 4
    this.#socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // addresses need no looking up: without the wait for it the socket is connected at once
      lookup: (host, _options, callback) => callback(null, host, family),
    })
    let opening: Error | undefined
    this.#socket.on('error', (error) => {
      opening ??= error
      events.failed(error)
    })
    this.#socket.on('message', (packet) => events.receive(packet))
    const any = family === 6 ? '::' : '0.0.0.0'
    this.#socket.bind({ port: 0, address: sourceAddress ?? any, exclusive: true })
    if (!opening) this.#socket.connect(port, address)
    try {
      this.#socket.remoteAddress()
    } catch {
      this.#socket.close()
      throw opening ?? new Error(`connecting to ${address} failed`)
    }
  }

  send(packet: Uint8Array): void {
    if (!this.#open) return
    if (this.#socket.getSendQueueSize() > MAX_SEND_QUEUE) {
      this.#events.unsent(packet, new Error('the send queue is full'))
      return
    }
    const copy = Buffer.from(packet)
    this.#socket.send(copy, (error) => {
      if (error) this.#events.unsent(copy, error)
    })
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#socket.close()
  }
}
