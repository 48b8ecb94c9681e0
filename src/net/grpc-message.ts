/** The octets of a gRPC call: a length in front of a message of Protocol Buffers with one field of octets. */

/** Octets of the flag and the length in front. */
const PREFIX = 5
/** Octets of the longest call: the longest DNS message with what is around it. */
export const MAX_CALL = 0xffff + PREFIX + 4
const BYTES_FIELD_1 = 0x0a

/** Path of the one method there is. */
export const GRPC_METHOD = '/coredns.dns.DnsService/Query'
/** Content type of calls and their answers. */
export const GRPC_TYPE = 'application/grpc'
/** The codes of gRPC that mean something here. */
export const GRPC_STATUS = {
  ok: 0,
  invalidArgument: 3,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
} as const

/** The DNS message in a call; other fields are passed over, and of several the last counts. */
export function readCall(call: Buffer): Uint8Array | 'compressed' | 'malformed' {
  if (call.length < PREFIX || call.readUInt32BE(1) !== call.length - PREFIX) return 'malformed'
  if (call[0] !== 0) return 'compressed'
  let message: Uint8Array = new Uint8Array(0)
  for (let at = PREFIX; at < call.length; ) {
    const tag = readVarint(call, at)
    if (!tag) return 'malformed'
    const field = readField(call, tag.end, tag.value & 7)
    if (!field || field.end > call.length) return 'malformed'
    if (tag.value === BYTES_FIELD_1) message = call.subarray(field.start, field.end)
    at = field.end
  }
  return message
}

/** Where a field's value stands, by its wire type. */
function readField(octets: Buffer, at: number, type: number): { start: number; end: number } | undefined {
  switch (type) {
    case 0: {
      const value = readVarint(octets, at)
      return value && { start: at, end: value.end }
    }
    case 1:
      return { start: at, end: at + 8 }
    case 2: {
      const length = readVarint(octets, at)
      return length && { start: length.end, end: length.end + length.value }
    }
    case 5:
      return { start: at, end: at + 4 }
    default:
      return undefined
  }
}

/** A number in groups of seven bits, the lowest first; undefined when it does not end or is too large for this message. */
function readVarint(octets: Buffer, at: number): { value: number; end: number } | undefined {
  let value = 0
  for (let i = 0; i < 10; i++) {
    const octet = octets[at + i]
    if (octet === undefined) return undefined
    value += (octet & 0x7f) * 2 ** (7 * i)
    if (octet < 0x80) return { value, end: at + i + 1 }
  }
  return undefined
}

/** A call, or its answer, with a DNS message. */
export function encodePacket(message: Uint8Array): Buffer {
  const length: number[] = []
  for (let rest = message.length; ; rest >>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest)
    if (rest <= 0x7f) break
  }
  const prefix = Buffer.alloc(PREFIX)
  prefix.writeUInt32BE(1 + length.length + message.length, 1)
  return Buffer.concat([prefix, Buffer.from([BYTES_FIELD_1, ...length]), message])
}
