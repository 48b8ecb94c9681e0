/** As much of the protocol buffers' wire format as profiles need: numbers, texts, messages, packed lists. */
export class ProtoWriter {
  #octets = Buffer.alloc(256)
  #length = 0

  /** A whole number from 0 on, beyond 2^53 only as exact as a double; 0 is left out, as it is the default. */
  number(field: number, value: number): void {
    if (value === 0) return
    this.#varint(field * 8)
    this.#varint(value)
  }

  /** A list of numbers in one field. */
  packed(field: number, values: readonly number[]): void {
    const list = new ProtoWriter()
    for (const value of values) list.#varint(value)
    this.octets(field, list.finish())
  }

  text(field: number, value: string): void {
    this.octets(field, Buffer.from(value))
  }

  message(field: number, write: (writer: ProtoWriter) => void): void {
    const writer = new ProtoWriter()
    write(writer)
    this.octets(field, writer.finish())
  }

  octets(field: number, value: Uint8Array): void {
    this.#varint(field * 8 + 2)
    this.#varint(value.length)
    this.#reserve(value.length)
    this.#octets.set(value, this.#length)
    this.#length += value.length
  }

  finish(): Uint8Array {
    return this.#octets.subarray(0, this.#length)
  }

  #varint(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#octets[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#octets[this.#length++] = rest
  }

  #reserve(octets: number): void {
    if (this.#length + octets <= this.#octets.length) return
    const larger = Buffer.alloc(Math.max(this.#octets.length * 2, this.#length + octets))
    larger.set(this.#octets.subarray(0, this.#length))
    this.#octets = larger
  }
}
