import { EAGAIN, EINTR, type Libc, MSG_DONTWAIT } from './libc.ts'
import { CONTROL, MessageVector } from './message-vector.ts'
import { BATCH } from './receive-batch.ts'
import { AF_INET, INET_SIZE, INET6_SIZE } from './socket-address.ts'
import { MAX_DATAGRAM } from './udp-socket.ts'

/** Octets of datagrams in a batch. The last one may go beyond, and one more be written that finds it full. */
const BULK = 1 << 16

/** Datagrams that are sent together. What the network does not take stays, and only then can it be full. */
export class SendBatch {
  /** The next datagram is written to `octets` from `offset` on. */
  readonly octets: Uint8Array
  offset = 0
  /** Datagrams that were lost. */
  dropped = 0
  readonly #libc: Libc
  readonly #onDropped: (() => void) | undefined
  readonly #vector: MessageVector
  #first = 0
  #count = 0

  /** @param onDropped told of each datagram that was lost */
  constructor(libc: Libc, onDropped?: () => void) {
    this.#libc = libc
    this.#onDropped = onDropped
    this.#vector = new MessageVector(libc, BATCH, BULK + 2 * MAX_DATAGRAM)
    this.octets = this.#vector.octets
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  get isFull(): boolean {
    return this.#count === BATCH || this.offset > BULK
  }

  /**
   * Adds the datagram of `length` octets at `offset`, unless there is no room.
   * @param words hold the ends of a received datagram at `at`, to whose sender it goes
   * @param control octets of the control message in them
   */
  add(length: number, words: Uint32Array, at: number, control: number): void {
    if (this.isFull) {
      this.#drop()
      return
    }
    const vector = this.#vector
    const i = this.#count++
    const ends = vector.ends(i)
    for (let word = 0; word < CONTROL + control / 4; word++) vector.words[ends + word] = words[at + word]!
    vector.setEnds(i, (words[at]! & 0xffff) === AF_INET ? INET_SIZE : INET6_SIZE, control)
    vector.setOctets(i, this.offset, length)
    this.offset += length
  }

  /** Sends all. A datagram that can't be sent is lost. @returns whether the network took all; if not, the rest waits for the next time */
  flush(fd: number): boolean {
    while (this.#first < this.#count) {
      const from = this.#vector.header(this.#first)
      const sent = this.#libc.sendmmsg(fd, from, this.#count - this.#first, MSG_DONTWAIT)
      if (sent > 0) {
        this.#first += sent
        continue
      }
      const errno = this.#libc.errno()
      if (errno === EAGAIN) return false
      if (errno === EINTR) continue
      this.#drop()
      this.#first++
    }
    this.#first = this.#count = this.offset = 0
    return true
  }

  #drop(): void {
    this.dropped++
    this.#onDropped?.()
  }
}
