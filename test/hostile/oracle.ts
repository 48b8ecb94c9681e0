/**
 * A second opinion on messages that the server sends: a plain and strict reader (RFC 1035 §4, RFC 6891 §6.1) that shares no code with the
 * project's own codec.
 */

export interface OracleRecord {
  /** Lower-cased labels, each as a binary string. */
  name: string
  type: number
  class: number
  ttl: number
  data: Buffer
}

export interface OracleMessage {
  id: number
  /** The second and third octet of the header. */
  flags: number
  /** The 12-bit rcode. */
  rcode: number
  opcode: number
  /** Octets of the question section. */
  question: Buffer
  answers: OracleRecord[]
  authorities: OracleRecord[]
  additionals: OracleRecord[]
  opt: OracleOpt | undefined
}

export interface OracleOpt {
  udpSize: number
  upperRcode: number
  version: number
  flags: number
  options: { code: number; data: Buffer }[]
}

const OPT = 41
/** Data that is one address, by type. */
const SIZES: Record<number, number> = { 1: 4, 28: 16 }
/** Data that begins with so many octets and then has so many names; what follows them has a fixed length. */
const NAMES: Record<number, { before: number; names: number; after: number }> = {
  2: { before: 0, names: 1, after: 0 },
  5: { before: 0, names: 1, after: 0 },
  6: { before: 0, names: 2, after: 20 },
  12: { before: 0, names: 1, after: 0 },
  15: { before: 2, names: 1, after: 0 },
  33: { before: 6, names: 1, after: 0 },
  39: { before: 0, names: 1, after: 0 },
}

/** Octets from front to back. */
class Reader {
  at = 0
  readonly octets: Buffer
  constructor(octets: Buffer) {
    this.octets = octets
  }

  u8(): number {
    if (this.at >= this.octets.length) throw new Error(`nothing at offset ${this.at}`)
    return this.octets[this.at++]!
  }

  u16(): number {
    return this.u8() * 256 + this.u8()
  }

  u32(): number {
    return this.u16() * 65_536 + this.u16()
  }

  take(length: number): Buffer {
    if (this.at + length > this.octets.length) throw new Error(`${length} octets at ${this.at} are past the end`)
    this.at += length
    return this.octets.subarray(this.at - length, this.at)
  }

  /** A name; each pointer leads to an earlier place than the one before. */
  name(): string {
    const labels: string[] = []
    let length = 1
    let resume = -1
    let lowest = this.at
    for (;;) {
      const first = this.u8()
      if (first === 0) break
      if (first >= 0xc0) {
        const to = (first & 0x3f) * 256 + this.u8()
        if (resume < 0) resume = this.at
        if (to >= lowest || to < 12) throw new Error(`pointer to ${to}`)
        this.at = lowest = to
        continue
      }
      if (first > 63) throw new Error(`label type ${first}`)
      length += 1 + first
      if (length > 255) throw new Error('name of more than 255 octets')
      labels.push(this.take(first).toString('latin1').toLowerCase())
    }
    if (resume >= 0) this.at = resume
    return labels.join('\u0001')
  }
}

/** Reads a whole message. @throws Error when anything is wrong with it */
export function readMessage(octets: Uint8Array): OracleMessage {
  const reader = new Reader(Buffer.from(octets))
  const [id, flags] = [reader.u16(), reader.u16()]
  const counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()]
  if (counts[0]! > 1) throw new Error(`${counts[0]} questions`)
  const start = reader.at
  if (counts[0] === 1) {
    reader.name()
    reader.take(4)
  }
  const question = reader.octets.subarray(start, reader.at)
  let opt: OracleOpt | undefined
  const sections = counts.slice(1).map((count, section) => {
    const records: OracleRecord[] = []
    for (let i = 0; i < count; i++) {
      const record = readRecord(reader)
      if (record.type !== OPT) records.push(record)
      else if (opt || section !== 2 || record.name !== '') throw new Error('OPT out of place')
      else opt = readOpt(record)
    }
    return records
  })
  if (reader.at !== octets.length) throw new Error(`${octets.length - reader.at} octets too many`)
  const [answers = [], authorities = [], additionals = []] = sections
  return {
    id,
    flags,
    rcode: (flags & 15) | ((opt?.upperRcode ?? 0) << 4),
    opcode: (flags >> 11) & 15,
    question,
    answers,
    authorities,
    additionals,
    opt,
  }
}

function readRecord(reader: Reader): OracleRecord {
  const name = reader.name()
  const [type, klass, ttl, length] = [reader.u16(), reader.u16(), reader.u32(), reader.u16()]
  const start = reader.at
  const data = reader.take(length)
  if (SIZES[type] !== undefined && length !== SIZES[type]) throw new Error(`type ${type} of ${length} octets`)
  const shape = NAMES[type]
  if (shape) {
    reader.at = start + shape.before
    for (let i = 0; i < shape.names; i++) reader.name()
    if (reader.at + shape.after !== start + length) throw new Error(`type ${type} does not fill its ${length} octets`)
    reader.at = start + length
  }
  return { name, type, class: klass, ttl, data }
}

function readOpt({ class: udpSize, ttl, data }: OracleRecord): OracleOpt {
  const options: { code: number; data: Buffer }[] = []
  const reader = new Reader(data)
  while (reader.at < data.length) options.push({ code: reader.u16(), data: reader.take(reader.u16()) })
  return { udpSize, upperRcode: ttl >>> 24, version: (ttl >>> 16) & 0xff, flags: ttl & 0xffff, options }
}
