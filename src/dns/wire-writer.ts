import { WireError } from './errors.ts'
import { fromText } from './name.ts'

/** Highest offset that a compression pointer can name (RFC 1035 §4.1.4). */
const MAX_POINTER = 0x3fff
const MAX_MESSAGE = 0xffff

/** Writes a message, or anything made of the same parts, into a buffer that grows up to 65535 octets. */
export class WireWriter {
  #octets = new Uint8Array(512)
  #view = new DataView(this.#octets.buffer)
  #length = 0
  /** Offsets of the names written so far: offset of the parent name (0 is the root) and label → offset. */
  readonly #names = new Map<string, number>()

  get length(): number {
    return this.#length
  }

  #reserve(count: number): number {
    const start = this.#length
    const length = start + count
    if (length > MAX_MESSAGE) throw new WireError('message longer than 65535 octets')
    if (length > this.#octets.length) {
      const grown = new Uint8Array(Math.min(MAX_MESSAGE, Math.max(length, this.#octets.length * 2)))
      grown.set(this.#octets)
      this.#octets = grown
      this.#view = new DataView(grown.buffer)
    }
    this.#length = length
    return start
  }

  u8(value: number): void {
    const at = this.#reserve(1)
    this.#octets[at] = value
  }

  u16(value: number): void {
    const at = this.#reserve(2)
    this.#view.setUint16(at, value)
  }

  u32(value: number): void {
    const at = this.#reserve(4)
    this.#view.setUint32(at, value)
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length)
    this.#octets.set(value, at)
  }

  /** Writes what `write` writes, preceded by its length in two octets. */
  sized(write: () => void): void {
    const start = this.#reserve(2)
    write()
    this.#view.setUint16(start, this.#length - start - 2)
  }

  /** A name given as text. @param compress whether it may point to an earlier name. @throws TextError */
  name(text: string, compress: boolean): void {
    this.wireName(fromText(text), compress)
  }

  /** A name in uncompressed wire form. Later names may point to it, letter case included. */
  wireName(name: Uint8Array, compress: boolean): void {
    const starts: number[] = []
    for (let at = 0; name[at] !== 0; at += name[at]! + 1) starts.push(at)
    const chars = Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1')
    const start = this.#length
    let known = starts.length
    let target = 0
    while (known > 0) {
      const found = this.#names.get(nameKey(target, chars, starts[known - 1]!))
      if (found === undefined) break
      target = found
      known--
    }
    const pointer = compress && target > 0 ? target : undefined
    this.bytes(name.subarray(0, pointer === undefined ? name.length : (starts[known] ?? name.length - 1)))
    if (pointer !== undefined) this.u16(0xc000 | pointer)
    for (let i = known - 1; i >= 0; i--) {
      const offset = start + starts[i]!
      if (offset > MAX_POINTER) return
      this.#names.set(nameKey(target, chars, starts[i]!), offset)
      target = offset
    }
  }

  /** What was written, in an own buffer. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#octets.slice(0, this.#length)
  }
}

/** Identifies a label under the name at offset `parent`. */
function nameKey(parent: number, chars: string, start: number): string {
  return String.fromCharCode(parent) + chars.slice(start + 1, start + 1 + chars.charCodeAt(start))
}
