import { WireError } from './errors.ts'
import { leadsThrough, skipName, skippedLength, skippedReach, skippedSteps, toText } from './name.ts'
import { copyOctets } from './octets.ts'

/** How many labels and pointers the names of a message may take together: what the deepest names need in any datagram, and more per octet. */
const STEPS = 8192
const STEPS_PER_OCTET = 2

/** Labels and pointers that the names of a message of `length` octets may take together; keeps crafted messages cheap. */
export function stepBudget(length: number): number {
  return STEPS + STEPS_PER_OCTET * length
}

/** Reads a message, or the data of one of its records, from front to back. All methods throw WireError at the end. */
export class WireReader {
  readonly octets: Uint8Array
  at = 0
  /** Nothing is read from here on. */
  end: number
  /** Octets that the names read or skipped so far would take in addition if they were not compressed. */
  expansion = 0
  /** Offsets of fields of four octets that are changed before the message goes on, such as TTLs, in ascending order: no name may lead through them. */
  fields: readonly number[] = []
  fieldCount = 0
  #steps: number

  constructor(octets: Uint8Array) {
    this.octets = octets
    this.end = octets.length
    this.#steps = stepBudget(octets.length)
  }

  get left(): number {
    return this.end - this.at
  }

  u8(): number {
    this.skip(1)
    return this.octets[this.at - 1]!
  }

  u16(): number {
    this.skip(2)
    return (this.octets[this.at - 2]! << 8) | this.octets[this.at - 1]!
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16()
  }

  /** A copy of the next `length` octets. */
  take(length: number): Uint8Array {
    this.skip(length)
    return copyOctets(this.octets, this.at - length, this.at)
  }

  skip(length: number): void {
    if (length > this.end - this.at) throw new WireError('data cut short')
    this.at += length
  }

  skipToEnd(): void {
    this.at = this.end
  }

  /** Passes over a name. @param pointers whether it may be compressed */
  skipName(pointers: boolean): void {
    const next = skipName(this.octets, this.at)
    if (next > this.end) throw new WireError('name runs past its record')
    const extra = skippedLength() - (next - this.at)
    if (extra !== 0 && !pointers) throw new WireError('compressed name where none is allowed')
    this.#steps -= skippedSteps()
    if (this.#steps < 0) throw new WireError('names take too many labels')
    if (this.fieldCount > 0 && skippedReach() > this.fields[0]!) this.#checkFields()
    this.expansion += extra
    this.at = next
  }

  #checkFields(): void {
    if (leadsThrough(this.octets, this.at, this.fields, this.fieldCount))
      throw new WireError('name leads through a TTL')
  }

  /** A name as text, see name.ts. @param pointers whether it may be compressed */
  name(pointers: boolean): string {
    const start = this.at
    this.skipName(pointers)
    return toText(this.octets, start)
  }
}
