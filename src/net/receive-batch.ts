import { type Libc, MSG_DONTWAIT } from './libc.ts'
import { MessageVector } from './message-vector.ts'

/** Datagrams taken by one system call. */
export const BATCH = 64

/** Views of packets up to this length are kept, so that receiving makes no garbage. */
const SHORT = 128

/** Spreads the slots over the processor's cache: no power of two. */
const LINE = 64

/** Room for a batch of datagrams. Sockets share it: a batch is through before another is received. */
export class ReceiveBatch {
  readonly vector: MessageVector
  readonly #longest: number
  readonly #stride: number
  readonly #views: (Uint8Array | undefined)[] = new Array(BATCH * SHORT).fill(undefined)
  #filled = BATCH

  constructor(libc: Libc, longest: number) {
    this.#longest = longest
    this.#stride = (Math.ceil(longest / LINE) | 1) * LINE
    this.vector = new MessageVector(libc, BATCH, BATCH * this.#stride)
    for (let i = 0; i < BATCH; i++) this.vector.setOctets(i, i * this.#stride, longest)
  }

  /** Takes what waits in the socket, up to {@link BATCH} datagrams, without waiting. @returns their number, −1 for an error */
  receive(libc: Libc, fd: number): number {
    for (let i = 0; i < this.#filled; i++) this.vector.clear(i)
    const count = libc.recvmmsg(fd, this.vector.address, BATCH, MSG_DONTWAIT, 0)
    this.#filled = Math.max(0, count)
    return count
  }

  /** Datagram `i`; its octets are overwritten by the next batch. */
  packet(i: number): Uint8Array {
    const length = Math.min(this.vector.length(i), this.#longest)
    if (length >= SHORT) return this.#view(i, length)
    const known = this.#views[i * SHORT + length]
    if (known) return known
    const view = this.#view(i, length)
    this.#views[i * SHORT + length] = view
    return view
  }

  #view(i: number, length: number): Uint8Array {
    return this.vector.octets.subarray(i * this.#stride, i * this.#stride + length)
  }
}
