import { leavingAddresses } from './bind.ts'
import { EAGAIN, EINTR, type Libc, type Poll, toSystemError } from './libc.ts'
import { CONTROL, ENDS } from './message-vector.ts'
import { BATCH, ReceiveBatch } from './receive-batch.ts'
import { SendBatch } from './send-batch.ts'
import type { SocketHandle } from './shared-sockets.ts'
import { addressAt, familyAt, localAddressAt, portAt, toSocketAddress, turnPacketInfo } from './socket-address.ts'
import type { End, ReceiveDatagram, UdpOptions, UdpPeer, UdpSocket } from './udp-socket.ts'

/** Batches received in a row before the event loop gets its turn. */
const MAX_BATCHES = 4

/** Turns of the event loop to wait for a socket to be empty. */
const MAX_TURNS = 1000

/** What sockets have in common: none is in use between two calls of the event loop. */
const batches = new Map<number, ReceiveBatch>()

function batchFor(libc: Libc, longest: number): ReceiveBatch {
  const known = batches.get(longest)
  if (known) return known
  const batch = new ReceiveBatch(libc, longest)
  batches.set(longest, batch)
  return batch
}

/**
 * A socket that takes and sends many datagrams in one system call. The event loop tells when it is readable; a batch is received, and the
 * answers that are known at once leave together. Those that come later leave together once per turn of the loop. With few queries a batch
 * is one datagram.
 *
 * libuv's own receiving is not used: it takes datagrams without their local address, which on a socket for all addresses is the one that
 * the answer must leave from.
 */
export class LibcSocket implements UdpSocket {
  readonly address: string
  readonly port: number
  readonly libc: Libc
  readonly batch: SendBatch
  /** Bound to all addresses of the machine: datagrams tell where they were sent to. */
  readonly everywhere: boolean
  readonly handle: SocketHandle
  readonly #poll: Poll
  readonly #receive: ReceiveDatagram
  readonly #receivingBatch: (() => void) | undefined
  readonly #onError: ((error: Error) => void) | undefined
  readonly #received: ReceiveBatch
  readonly #peers: LibcPeer[]
  /** Datagrams are being handed out, whose answers are sent behind them. */
  #receiving = false
  #flushing = false
  /** The network takes no more at the moment. */
  #stalled = false
  #drained: (() => void)[] = []
  #open = true

  constructor(libc: Libc, handle: SocketHandle, bound: End, everywhere: boolean, options: UdpOptions) {
    this.address = bound.address
    this.port = bound.port
    this.libc = libc
    this.everywhere = everywhere
    this.batch = new SendBatch(libc, options.onDropped)
    this.handle = handle
    this.#receive = options.receive
    this.#receivingBatch = options.receiving
    this.#onError = options.onError
    this.#received = batchFor(libc, options.longest)
    this.#peers = Array.from({ length: BATCH }, () => new LibcPeer(this))
    this.#poll = libc.poll(handle.fd, this.#wake)
  }

  get dropped(): number {
    return this.batch.dropped
  }

  readonly #wake = (): void => {
    setImmediate(this.#run)
  }

  readonly #run = (): void => {
    if (!this.#open) return
    if (this.#stalled) this.#flush()
    this.#receiveBatches()
  }

  /** @returns whether more may wait in the socket */
  #receiveBatches(): boolean {
    this.#receiving = true
    try {
      for (let i = 0; i < MAX_BATCHES; i++) {
        if (this.#receiveBatch() < BATCH) return false
      }
      return this.#open
    } finally {
      this.#receiving = false
    }
  }

  #receiveBatch(): number {
    if (!this.#open) return 0
    const count = this.#received.receive(this.libc, this.handle.fd)
    if (count < 0) {
      const errno = this.libc.errno()
      if (errno !== EAGAIN && errno !== EINTR) this.#onError?.(toSystemError(this.libc, 'recvmmsg'))
      return 0
    }
    try {
      this.#receivingBatch?.()
      this.#handOut(0, count)
    } finally {
      if (!this.batch.isEmpty && !this.#stalled) this.#flush()
    }
    return count
  }

  /** A receiver that throws keeps nothing from the datagrams behind. */
  #handOut(i: number, count: number): void {
    try {
      for (; i < count; i++) {
        const peer = this.#peer(i)
        if (peer.port !== 0) this.#receive(this.#received.packet(i), peer)
      }
    } finally {
      if (i < count) this.#handOut(i + 1, count)
    }
  }

  #peer(i: number): LibcPeer {
    let peer = this.#peers[i]!
    if (peer.kept) {
      peer = new LibcPeer(this)
      this.#peers[i] = peer
    }
    const { vector } = this.#received
    peer.set(vector.words, vector.ends(i), vector.controlLength(i))
    return peer
  }

  /** Sends what a peer has written into `batch`; now, when the batch is full, or when all that can be sent with it is there. */
  send(length: number, words: Uint32Array, at: number, control: number): void {
    const { batch } = this
    if (length === 0 || !this.#open) return
    batch.add(length, words, at, control)
    if (this.#stalled) return
    if (batch.isFull) this.#flush()
    else if (!this.#receiving && !this.#flushing) {
      this.#flushing = true
      setImmediate(this.#flushLater)
    }
  }

  readonly #flushLater = (): void => {
    this.#flushing = false
    if (!this.#stalled) this.#flush()
  }

  #flush(): void {
    if (!this.#open) return
    const sent = this.batch.flush(this.handle.fd)
    if (sent === this.#stalled) {
      this.#stalled = !sent
      this.#poll.start({ readable: true, writable: !sent }, this.#wake)
    }
    if (sent) for (const resolve of this.#drained.splice(0)) resolve()
  }

  leave(): void {
    if (!this.#open) return
    for (const address of leavingAddresses(this.address)) {
      const target = toSocketAddress(this.libc, address, this.port)
      if (this.libc.connect(this.handle.fd, target, target.length) === 0) return
    }
  }

  async receiveWaiting(): Promise<void> {
    for (let turn = 0; turn < MAX_TURNS && this.#open && this.#receiveBatches(); turn++) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  drain(): Promise<void> {
    if (this.batch.isEmpty || !this.#open) return Promise.resolve()
    return new Promise((resolve) => void this.#drained.push(resolve))
  }

  close(): void {
    if (!this.#open) return
    if (!this.#stalled) this.#flush()
    this.#open = false
    this.#poll.close()
    this.handle.close()
    for (const resolve of this.#drained.splice(0)) resolve()
  }
}

/** The sender of a datagram; while it is not kept, a view on the batch. Text is made when it is asked for. */
class LibcPeer implements UdpPeer {
  kept = false
  readonly local: End
  readonly #socket: LibcSocket
  #words: Uint32Array = NO_ENDS
  #at = 0
  #control = 0
  #address: string | undefined
  #localAddress: string | undefined

  constructor(socket: LibcSocket) {
    this.#socket = socket
    this.local = socket.everywhere ? new LocalEnd(this, socket.port) : socket
  }

  set(words: Uint32Array, at: number, control: number): void {
    this.#words = words
    this.#at = at
    this.#control = turnPacketInfo(words, at, control)
    this.#address = this.#localAddress = undefined
  }

  get address(): string {
    this.#address ??= addressAt(this.#socket.libc, this.#words, this.#at)
    return this.#address
  }

  get port(): number {
    return portAt(this.#words, this.#at)
  }

  get family(): 1 | 2 {
    return familyAt(this.#words, this.#at)
  }

  get localAddress(): string {
    if (this.#control === 0) return this.#socket.address
    this.#localAddress ??= localAddressAt(this.#socket.libc, this.#words, this.#at)
    return this.#localAddress
  }

  get out(): Uint8Array {
    return this.#socket.batch.octets
  }

  get offset(): number {
    return this.#socket.batch.offset
  }

  send(length: number): void {
    this.#socket.send(length, this.#words, this.#at, this.#control)
  }

  keep(): void {
    if (this.kept) return
    this.kept = true
    this.#words = this.#words.slice(this.#at, this.#at + CONTROL + this.#control / 4)
    this.#at = 0
  }
}

const NO_ENDS = new Uint32Array(ENDS)

/** The local end of a datagram on a socket for all addresses. */
class LocalEnd implements End {
  readonly port: number
  readonly #peer: LibcPeer

  constructor(peer: LibcPeer, port: number) {
    this.#peer = peer
    this.port = port
  }

  get address(): string {
    return this.#peer.localAddress
  }
}
