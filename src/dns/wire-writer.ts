import { WireError } from './errors.ts'
import { MAX_NAME, writeText } from './name.ts'

/** Highest offset that a compression pointer can name (RFC 1035 §4.1.4). */
const MAX_POINTER = 0x3fff
const MAX_MESSAGE = 0xffff

/** Scratch space: the name that is written, and where its labels start. */
const wireName = new Uint8Array(MAX_NAME)
const starts = new Uint8Array(MAX_NAME)

/** Writes a message, or anything made of the same parts, into a buffer that grows up to 65535 octets. */
export class WireWriter {
  #octets = new Uint8Array(512)
  #length = 0
  /** Names written so far by a hash of their first label and their parent: `offset << 16 | offset of the parent`, 0 being the root. */
  readonly #names = new Map<number, number>()

  #reserve(count: number): number {
    const start = this.#length
    const length = start + count
    if (length > MAX_MESSAGE) throw new WireError('message longer than 65535 octets')
    if (length > this.#octets.length) {
      const grown = new Uint8Array(Math.min(MAX_MESSAGE, Math.max(length, this.#octets.length * 2)))
      grown.set(this.#octets)
      this.#octets = grown
    }
    this.#length = length
    return start
  }

  u8(value: number): void {
    const at = this.#reserve(1)
    this.#octets[at] = value
  }

  u16(value: number): void {
    this.#set16(this.#reserve(2), value)
  }

  u32(value: number): void {
    const at = this.#reserve(4)
    this.#set16(at, value >>> 16)
    this.#set16(at + 2, value)
  }

  #set16(at: number, value: number): void {
    this.#octets[at] = value >> 8
    this.#octets[at + 1] = value
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length)
    this.#octets.set(value, at)
  }

  /** Writes what `write` writes, preceded by its length in two octets. */
  sized(write: () => void): void {
    const start = this.#reserve(2)
    write()
    this.#set16(start, this.#length - start - 2)
  }

  /**
   * Writes a name given as text. Later names may point to it, letter case included.
   * @param compress whether it may point to an earlier name itself
   * @throws TextError
   */
  name(text: string, compress: boolean): void {
    this.#scratchName(writeText(text, wireName), compress)
  }

  /** Writes a name given in uncompressed wire form; see {@link WireWriter.name}. */
  wireName(octets: Uint8Array, compress: boolean): void {
    wireName.set(octets)
    this.#scratchName(octets.length, compress)
  }

  #scratchName(length: number, compress: boolean): void {
    let known = 0
    for (let at = 0; wireName[at] !== 0; at += wireName[at]! + 1) starts[known++] = at
    let target = 0
    while (known > 0) {
      const found = this.#find(starts[known - 1]!, target)
      if (found === 0) break
      target = found
      known--
    }
    const full = !compress || target === 0
    const start = this.#length
    this.bytes(wireName.subarray(0, full ? length : starts[known]))
    if (!full) this.u16(0xc000 | target)
    while (known > 0) {
      const at = starts[--known]!
      if (start + at > MAX_POINTER) return
      this.#names.set(hash(at, target), ((start + at) << 16) | target)
      target = start + at
    }
  }

  /** Offset of the earlier name made of the label at `at` of the scratch name and the name at `parent`; 0 if there is none. */
  #find(at: number, parent: number): number {
    const entry = this.#names.get(hash(at, parent))
    if (entry === undefined || (entry & 0xffff) !== parent) return 0
    const offset = entry >>> 16
    for (let i = wireName[at]!; i >= 0; i--) if (this.#octets[offset + i] !== wireName[at + i]) return 0
    return offset
  }

  /** What was written, in an own buffer. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#octets.slice(0, this.#length)
  }
}

/** Of the label at `at` of the scratch name under the name at `parent`. Names whose hashes collide are only not compressed. */
function hash(at: number, parent: number): number {
  let value = parent
  for (let i = at + wireName[at]!; i >= at; i--) value = (Math.imul(value, 31) + wireName[i]!) & 0x3fffffff
  return value
}
