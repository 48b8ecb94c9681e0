/** Frames of HTTP/2 made by hand (RFC 9113 §4), for what no client library would send. */

/** Types of frames. */
export const FRAMES = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, continuation: 9 } as const
/** Bits of their flags. */
export const FLAGS = { endStream: 1, endHeaders: 4 } as const

/** What a client sends first. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** A frame of a stream; 0 is the connection. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

/** Fields as a block without compression (RFC 7541 §6.2.2); names and values have less than 127 octets. */
export function toBlock(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => [
      Buffer.of(0, name.length),
      Buffer.from(name),
      Buffer.of(value.length),
      Buffer.from(value),
    ]),
  )
}
