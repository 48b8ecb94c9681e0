/** The same octets without Buffer's methods: on a Buffer `slice` makes a view, on a plain Uint8Array a copy. */
export function toPlain(octets: Uint8Array): Uint8Array {
  if (octets.constructor === Uint8Array) return octets
  return new Uint8Array(octets.buffer, octets.byteOffset, octets.length)
}

/** The 16-bit number at `at`, which must lie within `octets`. */
export function readU16(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!
}

/** The 32-bit number at `at`, which must lie within `octets`. */
export function readU32(octets: Uint8Array, at: number): number {
  return readU16(octets, at) * 0x10000 + readU16(octets, at + 2)
}

/** Writes a 16-bit number. */
export function writeU16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >> 8
  octets[at + 1] = value
}

/** An own copy of some octets, without the rest of their buffer. */
export function copyOctets(octets: Uint8Array, start = 0, end = octets.length): Uint8Array<ArrayBuffer> {
  return new Uint8Array(start === 0 && end === octets.length ? octets : octets.subarray(start, end))
}
