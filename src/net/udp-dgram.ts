/** UDP sockets on Node's dgram. */
import { createSocket, type Socket } from 'node:dgram'
import { leavingAddresses, mapAddress, unmapAddress } from './bind.ts'
import { handleOfDgram, type SocketHandle } from './shared-sockets.ts'
import { MAX_DATAGRAM, RECEIVE_BUFFER, type UdpOptions, type UdpPeer, type UdpSocket } from './udp-socket.ts'

/** Octets that may wait in the process for the network before datagrams are dropped. */
const MAX_SEND_QUEUE = 4 * 1024 * 1024

/** Turns of the event loop to wait for a socket to be empty. */
const MAX_TURNS = 1000

/** Binds a socket to one of the addresses to try. @throws (rejects) the system's error */
export function bindDgram(options: UdpOptions, address: string): Promise<UdpSocket> {
  const v6 = address.includes(':')
  const socket = createSocket({
    type: v6 ? 'udp6' : 'udp4',
    ipv6Only: v6 && options.address !== '',
    reusePort: options.reusePort ?? false,
    lookup: takeLiteral as never,
  })
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.once('listening', () => {
      socket.removeAllListeners('error')
      widen(socket)
      resolve(new DgramSocket(socket, options))
    })
    if (options.handle) socket.bind(options.handle as never)
    else socket.bind({ address, port: options.port, exclusive: true })
  })
}

/** A system that refuses leaves the buffer as it was. */
function widen(socket: Socket): void {
  try {
    if (socket.getRecvBufferSize() < RECEIVE_BUFFER) socket.setRecvBufferSize(RECEIVE_BUFFER)
  } catch {}
}

/** Stands in for the resolver: every address here is an IP address, and a synchronous look-up keeps `send` synchronous. */
function takeLiteral(address: string, _family: unknown, callback: (error: null, address: string) => void): void {
  callback(null, address)
}

class DgramSocket implements UdpSocket {
  readonly address: string
  readonly port: number
  dropped = 0
  readonly handle: SocketHandle
  /** Where the next datagram is written. */
  out = new Uint8Array(MAX_DATAGRAM)
  readonly #socket: Socket
  readonly #v6: boolean
  readonly #onDropped: (() => void) | undefined
  #received = 0
  #leaving = false
  #open = true

  constructor(socket: Socket, { receive, receiving, longest, onDropped, onError }: UdpOptions) {
    const bound = socket.address()
    this.address = bound.address
    this.port = bound.port
    this.handle = handleOfDgram(socket)
    this.#onDropped = onDropped
    this.#socket = socket
    this.#v6 = bound.family === 'IPv6'
    socket.on('error', (error) => onError?.(error))
    socket.on('message', (packet, { address, port }) => {
      this.#received++
      if (port === 0) return
      receiving?.()
      receive(packet.length > longest ? packet.subarray(0, longest) : packet, new DgramPeer(this, address, port))
    })
  }

  send(length: number, address: string, port: number): void {
    if (length === 0) return
    if (!this.#open || this.#socket.getSendQueueSize() > MAX_SEND_QUEUE) {
      this.#drop()
      return
    }
    // what joins a queue waits with the octets of its own alone
    const waits = this.#socket.getSendQueueCount() > 0
    const octets = waits ? this.out.slice(0, length) : this.out
    try {
      // Node lets a connected socket send to its peer only
      if (this.#leaving) this.#socket.disconnect()
      this.#socket.send(octets, 0, length, port, this.#v6 ? mapAddress(address) : address, this.#sent)
    } catch {
      this.#drop()
    }
    if (this.#leaving) this.#connectToItself()
    if (!waits && this.#socket.getSendQueueCount() > 0) this.out = new Uint8Array(MAX_DATAGRAM)
  }

  readonly #sent = (error: Error | null): void => {
    if (error) this.#drop()
  }

  #drop(): void {
    this.dropped++
    this.#onDropped?.()
  }

  leave(): void {
    if (!this.#open) return
    this.#leaving = this.#connectToItself()
  }

  /** @returns whether it is connected; at once, because nothing needs looking up */
  #connectToItself(): boolean {
    for (const address of leavingAddresses(this.address)) {
      this.#socket.connect(this.port, address, () => {})
      try {
        this.#socket.remoteAddress()
        return true
      } catch {}
    }
    return false
  }

  /** The event loop goes round until it brings nothing, but not forever. */
  async receiveWaiting(): Promise<void> {
    for (let turn = 0, before = -1; turn < MAX_TURNS && before !== this.#received; turn++) {
      before = this.#received
      for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async drain(): Promise<void> {
    while (this.#open && this.#socket.getSendQueueCount() > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#socket.close()
  }
}

class DgramPeer implements UdpPeer {
  readonly address: string
  readonly port: number
  readonly offset = 0
  readonly local: UdpSocket
  readonly #socket: DgramSocket

  constructor(socket: DgramSocket, address: string, port: number) {
    this.address = unmapAddress(address)
    this.port = port
    this.local = socket
    this.#socket = socket
  }

  get family(): 1 | 2 {
    return this.address.includes(':') ? 2 : 1
  }

  get out(): Uint8Array {
    return this.#socket.out
  }

  send(length: number): void {
    this.#socket.send(length, this.address, this.port)
  }

  keep(): void {}
}
