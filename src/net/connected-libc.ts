import type { ConnectedUdp, ConnectedUdpEvents, ConnectedUdpOptions } from './connected-socket.ts'
import {
  EAGAIN,
  EINTR,
  type Libc,
  MSG_DONTWAIT,
  type Poll,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  toSystemError,
} from './libc.ts'
import { MessageVector } from './message-vector.ts'
import { BATCH, ReceiveBatch } from './receive-batch.ts'
import { toSocketAddress } from './socket-address.ts'
import { MAX_DATAGRAM } from './udp-socket.ts'

/** Batches received in a row before the event loop gets its turn. */
const MAX_BATCHES = 4

/** Octets of datagrams in a batch to send; the last one may go beyond. */
const BULK = 1 << 14

/** A connected socket that sends together what one task hands to it, and takes many datagrams in one system call. */
export class ConnectedLibc implements ConnectedUdp {
  readonly #libc: Libc
  readonly #events: ConnectedUdpEvents
  readonly #fd: number
  readonly #poll: Poll
  /** The event loop watches the socket no more, as it does after an error. */
  #unwatched = false
  #outgoing: Outgoing | undefined
  #open = true

  /** @throws the system's error */
  constructor(libc: Libc, options: ConnectedUdpOptions) {
    this.#libc = libc
    this.#events = options.events
    this.#fd = connect(libc, options)
    this.#poll = libc.poll(this.#fd, this.#wake)
  }

  get isCollecting(): boolean {
    return this.#outgoing !== undefined
  }

  send(packet: Uint8Array): void {
    if (!this.#open) return
    if (!this.#outgoing) {
      this.#outgoing = spare.pop() ?? new Outgoing(this.#libc)
      queueMicrotask(this.#flush)
    }
    this.#outgoing.add(packet)
    if (this.#outgoing.isFull) this.#flush()
  }

  readonly #flush = (): void => {
    const outgoing = this.#outgoing
    if (!outgoing) return
    this.#outgoing = undefined
    for (let i = 0; i < outgoing.count && this.#open; ) {
      const sent = this.#libc.sendmmsg(this.#fd, outgoing.vector.header(i), outgoing.count - i, MSG_DONTWAIT)
      if (sent > 0) i += sent
      else if (this.#libc.errno() !== EINTR)
        this.#events.unsent(outgoing.packet(i++), toSystemError(this.#libc, 'send'))
    }
    outgoing.clear()
    spare.push(outgoing)
  }

  /** Outside of Node's frame, see {@link Libc.poll}. */
  readonly #wake = (status: number): void => {
    if (status < 0) this.#unwatched = true
    setImmediate(this.#receive)
  }

  readonly #receive = (): void => {
    for (let i = 0; i < MAX_BATCHES && this.#open && this.#receiveBatch(); i++);
    if (!this.#unwatched || !this.#open) return
    this.#unwatched = false
    this.#poll.start({ readable: true, writable: false }, this.#wake)
  }

  /** @returns whether more may wait in the socket */
  #receiveBatch(): boolean {
    received ??= new ReceiveBatch(this.#libc, MAX_DATAGRAM)
    const count = received.receive(this.#libc, this.#fd)
    if (count < 0) {
      const errno = this.#libc.errno()
      if (errno === EAGAIN) return false
      if (errno !== EINTR) this.#events.failed(toSystemError(this.#libc, 'recvmsg'))
      return true
    }
    for (let i = 0; i < count && this.#open; i++) this.#events.receive(received.packet(i))
    return count === BATCH
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#outgoing = undefined
    this.#poll.close()
    this.#libc.close(this.#fd)
  }
}

function connect(libc: Libc, { address, port, sourceAddress }: ConnectedUdpOptions): number {
  const peer = toSocketAddress(libc, address, port)
  const fd = libc.socket(peer[0]!, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) throw toSystemError(libc, 'socket')
  try {
    if (sourceAddress !== undefined) {
      const source = toSocketAddress(libc, sourceAddress, 0)
      if (libc.bind(fd, source, source.length) < 0) throw toSystemError(libc, 'bind', sourceAddress)
    }
    if (libc.connect(fd, peer, peer.length) < 0) throw toSystemError(libc, 'connect', address)
    return fd
  } catch (error) {
    libc.close(fd)
    throw error
  }
}

/** What sockets have in common: a batch is through before another is received. */
let received: ReceiveBatch | undefined

/** Batches that no socket fills at the moment. */
const spare: Outgoing[] = []

/** Datagrams to send together. */
class Outgoing {
  readonly vector: MessageVector
  count = 0
  #end = 0
  readonly #starts = new Uint32Array(BATCH + 1)

  constructor(libc: Libc) {
    this.vector = new MessageVector(libc, BATCH, BULK + MAX_DATAGRAM)
    for (let i = 0; i < BATCH; i++) this.vector.setEnds(i, 0, 0)
  }

  get isFull(): boolean {
    return this.count === BATCH || this.#end >= BULK
  }

  add(packet: Uint8Array): void {
    this.vector.octets.set(packet, this.#end)
    this.vector.setOctets(this.count, this.#end, packet.length)
    this.#end += packet.length
    this.#starts[++this.count] = this.#end
  }

  packet(i: number): Uint8Array {
    return this.vector.octets.subarray(this.#starts[i], this.#starts[i + 1])
  }

  clear(): void {
    this.count = this.#end = 0
  }
}
