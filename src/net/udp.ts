/** A UDP socket for a server, on Node's dgram. */
import { createSocket, type Socket } from 'node:dgram'
import type { BindOptions } from './bind.ts'
import { bindAddresses, isWithoutIPv6, mapAddress, unmapAddress } from './bind.ts'

/** Takes one datagram; `packet` is valid until it returns. */
export type ReceiveDatagram = (packet: Uint8Array, address: string, port: number) => void

/**
 * What a server needs of a UDP socket. A back end may collect what is sent while it delivers a batch of datagrams, as long as it sends
 * it when the batch is through.
 *
 * Bound to all addresses, replies leave from the address that the kernel's routing picks for the client; on a machine with several
 * addresses this may differ from the one the query was sent to. A socket per address (the `bind` plugin) has no such doubt.
 */
export interface UdpSocket {
  readonly address: string
  readonly port: number
  /** Datagrams that were not sent: no port to send to, or too many octets queued because the network takes no more. */
  readonly dropped: number
  /**
   * Sends `length` octets of `octets` from `offset` on. Never throws; a datagram that can't be sent is lost, as on the network.
   * @returns whether `octets` may be written to again; if not, they belong to the socket now
   */
  send(octets: Uint8Array, offset: number, length: number, address: string, port: number): boolean
  /** Settles when nothing is left to be sent. */
  drain(): Promise<void>
  close(): void
}

/** Octets that may wait in the process for the network before datagrams are dropped. */
export const MAX_SEND_QUEUE = 4 * 1024 * 1024

/** Octets of datagrams that may wait in the kernel while the process is busy, as far as the system allows (net.core.rmem_max). */
const RECEIVE_BUFFER = 4 * 1024 * 1024

export interface UdpOptions extends BindOptions {
  receive: ReceiveDatagram
  /** Told of errors of the open socket, which stays open. */
  onError?(error: Error): void
  maxSendQueue?: number
}

/** Opens a UDP socket. @throws (rejects) the system's error when it can't be bound */
export async function openUdp(options: UdpOptions): Promise<UdpSocket> {
  const addresses = bindAddresses(options.address)
  for (const address of addresses) {
    try {
      return await bind(options, address)
    } catch (error) {
      if (address === addresses.at(-1) || !isWithoutIPv6(error)) throw error
    }
  }
  throw new Error('unreachable')
}

function bind(options: UdpOptions, address: string): Promise<UdpSocket> {
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
    if (options.fd === undefined) socket.bind({ address, port: options.port, exclusive: true })
    else socket.bind({ fd: options.fd, exclusive: true })
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
  readonly #socket: Socket
  readonly #v6: boolean
  readonly #maxSendQueue: number
  #open = true

  constructor(socket: Socket, { receive, onError, maxSendQueue }: UdpOptions) {
    const bound = socket.address()
    this.address = bound.address
    this.port = bound.port
    this.#socket = socket
    this.#v6 = bound.family === 'IPv6'
    this.#maxSendQueue = maxSendQueue ?? MAX_SEND_QUEUE
    socket.on('error', (error) => onError?.(error))
    if (this.#v6) socket.on('message', (packet, peer) => receive(packet, unmapAddress(peer.address), peer.port))
    else socket.on('message', (packet, peer) => receive(packet, peer.address, peer.port))
  }

  send(octets: Uint8Array, offset: number, length: number, address: string, port: number): boolean {
    if (!this.#open || port === 0 || this.#socket.getSendQueueSize() > this.#maxSendQueue) {
      this.dropped++
      return true
    }
    try {
      this.#socket.send(octets, offset, length, port, this.#v6 ? mapAddress(address) : address)
    } catch {
      this.dropped++
    }
    return this.#socket.getSendQueueCount() === 0
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
