import type { Libc } from './libc.ts'

/** Words (of 4 octets) of a `struct mmsghdr`, and where its members are. */
const HEADER = 16
const NAME_POINTER = 0
const NAME_LENGTH = 2
const IOV_POINTER = 4
const IOV_COUNT = 6
const CONTROL_POINTER = 8
const CONTROL_LENGTH = 10
const FLAGS = 12
const LENGTH = 14

/** Words of a `struct iovec`: a pointer, a length. */
const IOV = 4

/** Words for the two ends of a datagram: the socket address of the peer, then the control message with the local address. */
export const ENDS = 24
/** Where the control message starts in them. */
export const CONTROL = 8

/** Octets that the socket address of a peer, and control messages, may have. */
const NAME_SIZE = 28
const CONTROL_SIZE = 4 * (ENDS - CONTROL)

/**
 * An array of `struct mmsghdr` for recvmmsg(2) and sendmmsg(2) with all that they point to, in one buffer: headers, vectors, ends, and
 * octets for the datagrams.
 */
export class MessageVector {
  /** Address of the headers. */
  readonly address: number
  /** Everything in words. */
  readonly words: Uint32Array
  /** The octets for datagrams. */
  readonly octets: Uint8Array
  readonly #octetsAt: number
  readonly #count: number

  constructor(libc: Libc, count: number, size: number) {
    const fixed = count * 4 * (HEADER + IOV + ENDS)
    const buffer = new ArrayBuffer(fixed + size)
    this.address = libc.addressOf(buffer)
    this.words = new Uint32Array(buffer, 0, fixed / 4)
    this.octets = new Uint8Array(buffer, fixed)
    this.#octetsAt = this.address + fixed
    this.#count = count
    for (let i = 0; i < count; i++) {
      const at = i * HEADER
      const ends = this.address + 4 * this.ends(i)
      this.#point(at + NAME_POINTER, ends)
      this.#point(at + IOV_POINTER, this.address + 4 * (count * HEADER + i * IOV))
      this.words[at + IOV_COUNT] = 1
      this.#point(at + CONTROL_POINTER, ends + 4 * CONTROL)
    }
  }

  #point(at: number, address: number): void {
    this.words[at] = address % 2 ** 32
    this.words[at + 1] = Math.floor(address / 2 ** 32)
  }

  /** Address of the header of message `i`. */
  header(i: number): number {
    return this.address + 4 * i * HEADER
  }

  /** Index in `words` of the ends of message `i`. */
  ends(i: number): number {
    return this.#count * (HEADER + IOV) + i * ENDS
  }

  /** The octets of message `i`. */
  setOctets(i: number, offset: number, length: number): void {
    const at = this.#count * HEADER + i * IOV
    this.#point(at, this.#octetsAt + offset)
    this.words[at + 2] = length
  }

  /** Makes header `i` ready to be filled by recvmmsg. */
  clear(i: number): void {
    const at = i * HEADER
    this.words[at + NAME_LENGTH] = NAME_SIZE
    this.words[at + CONTROL_LENGTH] = CONTROL_SIZE
    this.words[at + FLAGS] = 0
  }

  /** Lengths in octets of what header `i` sends beside the datagram. */
  setEnds(i: number, name: number, control: number): void {
    const at = i * HEADER
    this.words[at + NAME_LENGTH] = name
    this.words[at + CONTROL_LENGTH] = control
  }

  /** Octets of control messages received with `i`. */
  controlLength(i: number): number {
    return this.words[i * HEADER + CONTROL_LENGTH]!
  }

  /** Octets of datagram `i` as recvmmsg has put them down. */
  length(i: number): number {
    return this.words[i * HEADER + LENGTH]!
  }
}
