/** Messages on a stream, each behind its length in two octets (RFC 1035 §4.2.2, RFC 7766 §8). */

/** `packet` under another id with its length in front, to be written at once. */
export function toFrame(packet: Uint8Array, id: number): Buffer {
  const frame = Buffer.allocUnsafe(packet.length + 2)
  frame.writeUInt16BE(packet.length, 0)
  frame.set(packet, 2)
  frame.writeUInt16BE(id, 2)
  return frame
}

/** Cuts a stream into messages; the work is linear in its octets however they are chopped. */
export class FrameReader {
  readonly #receive: (message: Buffer) => void
  #length = Buffer.allocUnsafe(2)
  #body: Buffer | undefined
  #filled = 0

  /** @param receive gets each message in memory of its own */
  constructor(receive: (message: Buffer) => void) {
    this.#receive = receive
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      const target = this.#body ?? this.#length
      const copied = chunk.copy(target, this.#filled, at)
      at += copied
      this.#filled += copied
      if (this.#filled < target.length) return
      this.#filled = 0
      if (this.#body) {
        const message = this.#body
        this.#body = undefined
        this.#receive(message)
      } else {
        const length = this.#length.readUInt16BE()
        if (length > 0) this.#body = Buffer.allocUnsafeSlow(length)
      }
    }
  }
}
