/** The same octets without Buffer's methods: on a Buffer `slice` makes a view, on a plain Uint8Array a copy. */
export function toPlain(octets: Uint8Array): Uint8Array {
  if (octets.constructor === Uint8Array) return octets
  return new Uint8Array(octets.buffer, octets.byteOffset, octets.length)
}

/** An own copy of some octets, without the rest of their buffer. */
export function copyOctets(octets: Uint8Array, start = 0, end = octets.length): Uint8Array<ArrayBuffer> {
  return new Uint8Array(octets.subarray(start, end))
}
