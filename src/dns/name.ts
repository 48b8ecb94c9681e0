/**
 * Domain names. Two forms are used everywhere:
 * - wire: length-prefixed labels ending in the root label (RFC 1035 §3.1), never compressed outside a message;
 * - text: presentation form (RFC 1035 §5.1, RFC 4343 §2.1), always ending in a dot. A dot or backslash within a label is
 *   `\.`, `\\`; octets that are not printable ASCII are `\DDD`. The root is `.`.
 *
 * A *key* is the lower-cased wire form as a binary string (one character an octet): cheap to slice and to look up.
 */
import { TextError, WireError } from './errors.ts'

/** Longest name in octets, root label included (RFC 1035 §2.3.4). */
export const MAX_NAME = 255
export const MAX_LABEL = 63

/** Most compression pointers that a legal name can need: one before each label. */
const MAX_HOPS = 127

const ESCAPED = (() => {
  const table: string[] = []
  for (let octet = 0; octet < 256; octet++) {
    const char = String.fromCharCode(octet)
    if ('."();@$\\'.includes(char)) table.push(`\\${char}`)
    else if (octet > 0x20 && octet < 0x7f) table.push(char)
    else table.push(`\\${String(octet).padStart(3, '0')}`)
  }
  return table
})()

/** ASCII lower case of every octet (RFC 4343). */
export const LOWER = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet,
)

/**
 * Checks the name at `offset` of `message` and returns the offset behind it. A pointer must go strictly backwards, to labels that end before
 * those that led to it: a name consists of octets in front of it.
 * @throws WireError on a bad label type, pointer, or a name over 255 octets.
 */
export function skipName(message: Uint8Array, offset: number): number {
  let length = 1
  let at = offset
  let end = -1
  let lowest = offset
  let bound = Infinity
  let reach = 0
  let steps = 0
  for (let hops = 0; hops <= MAX_HOPS; steps++) {
    const octet = message[at]
    if (octet === undefined) throw new WireError('name runs past the end of the message')
    if (octet === 0) {
      lastLength = length
      lastSteps = steps
      lastReach = end < 0 || reach > 0 ? reach : at + 1
      return end < 0 ? at + 1 : end
    }
    if (octet < 0x40) {
      length += octet + 1
      if (length > MAX_NAME) throw new WireError('name longer than 255 octets')
      at += octet + 1
      if (at >= bound) throw new WireError('compression pointer to a name that is not in front of it')
    } else if (octet >= 0xc0) {
      const low = message[at + 1]
      if (low === undefined) throw new WireError('compression pointer cut short')
      if (at + 2 > bound) throw new WireError('compression pointer to a name that is not in front of it')
      if (end < 0) end = at + 2
      else if (reach === 0) reach = at + 2
      const target = ((octet & 0x3f) << 8) | low
      if (target >= lowest || target < 12) throw new WireError('compression pointer does not point backwards')
      bound = lowest
      lowest = at = target
      hops++
    } else {
      throw new WireError('label of an unknown type')
    }
  }
  throw new WireError('too many compression pointers')
}

let lastLength = 0
let lastSteps = 0
let lastReach = 0

/** Uncompressed length in octets of the name that the last call of {@link skipName} passed over. */
export function skippedLength(): number {
  return lastLength
}

/** Labels and pointers that the last call of {@link skipName} passed; what a name costs. */
export function skippedSteps(): number {
  return lastSteps
}

/** Where the labels end that the first pointer of the name led to, which the last call of {@link skipName} passed over; 0 without a pointer. */
export function skippedReach(): number {
  return lastReach
}

/**
 * Whether a name that {@link skipName} has checked takes octets, by pointers, from fields of four octets.
 * @param fields their offsets in ascending order, of which the first `count` are looked at
 */
export function leadsThrough(message: Uint8Array, offset: number, fields: readonly number[], count: number): boolean {
  let start = -1
  for (let at = offset; ; ) {
    const octet = message[at]!
    if (octet > 0 && octet < 0xc0) {
      at += octet + 1
      continue
    }
    const end = octet === 0 ? at + 1 : at + 2
    if (start >= 0 && touches(start, end, fields, count)) return true
    if (octet === 0) return false
    start = at = ((octet & 0x3f) << 8) | message[at + 1]!
  }
}

/** Whether octets from `start` up to `end` belong to a field. */
function touches(start: number, end: number, fields: readonly number[], count: number): boolean {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (fields[middle]! + 4 > start) high = middle
    else low = middle + 1
  }
  return low < count && fields[low]! < end
}

/** The name at `offset` of `message` as uncompressed wire octets, case kept. @throws WireError */
export function readName(message: Uint8Array, offset: number): Uint8Array {
  skipName(message, offset)
  const out = new Uint8Array(lastLength)
  let at = offset
  let to = 0
  for (;;) {
    const octet = message[at]!
    if (octet >= 0xc0) {
      at = ((octet & 0x3f) << 8) | message[at + 1]!
      continue
    }
    out.set(message.subarray(at, at + octet + 1), to)
    to += octet + 1
    if (octet === 0) return out
    at += octet + 1
  }
}

/** The name at `offset` of a message, or of an uncompressed wire name, as text with its final dot. @throws WireError */
export function toText(message: Uint8Array, offset = 0): string {
  skipName(message, offset)
  let text = ''
  let at = offset
  for (;;) {
    const octet = message[at]!
    if (octet === 0) return text === '' ? '.' : text
    if (octet >= 0xc0) {
      at = ((octet & 0x3f) << 8) | message[at + 1]!
      continue
    }
    for (let i = at + 1; i <= at + octet; i++) text += ESCAPED[message[i]!]
    text += '.'
    at += octet + 1
  }
}

/** Text to uncompressed wire form. A missing final dot is supplied: names here are absolute. @throws TextError */
export function fromText(text: string): Uint8Array {
  return written.slice(0, writeText(text, written))
}

const written = new Uint8Array(MAX_NAME)

/**
 * Writes the wire form of a name to the front of `out`, which has room for 255 octets; see {@link fromText}.
 * @param octets each character of `text` is an octet of UTF-8 already
 * @returns its length in octets
 * @throws TextError
 */
export function writeText(text: string, out: Uint8Array, octets = false): number {
  if (text === '.' || text === '') {
    out[0] = 0
    return 1
  }
  let start = 0
  let to = 1
  let at = 0
  while (at < text.length) {
    let octet = text.charCodeAt(at)
    if (octet === 0x2e) {
      closeLabel(out, start, to, at++)
      start = to++
      continue
    }
    if (octet > 0x7f && !octets) return writeText(Buffer.from(text, 'utf8').toString('latin1'), out, true)
    const column = at++
    if (octet === 0x5c) {
      octet = readEscape(text, column)
      at += isDigit(text.charCodeAt(at)) ? 3 : 1
    }
    if (to - start > MAX_LABEL) throw new TextError('label longer than 63 octets', column)
    if (to >= MAX_NAME - 1) throw new TextError('name longer than 255 octets', column)
    out[to++] = octet
  }
  if (to > start + 1) {
    closeLabel(out, start, to, text.length)
    start = to
  }
  out[start] = 0
  return start + 1
}

function closeLabel(out: Uint8Array, start: number, end: number, column: number): void {
  if (end === start + 1) throw new TextError('empty label', column)
  out[start] = end - start - 1
}

/** The octet that the escape at `at` stands for: `\DDD`, or `\X` with another ASCII character. @throws TextError */
function readEscape(text: string, at: number): number {
  const code = text.charCodeAt(at + 1)
  if (!isDigit(code)) {
    if (code < 0x7f) return code
    throw new TextError('bad escape', at)
  }
  const digits = text.slice(at + 1, at + 4)
  if (!/^\d{3}$/.test(digits)) throw new TextError('bad escape', at)
  if (Number(digits) > 255) throw new TextError(`no octet has the value ${digits}`, at)
  return Number(digits)
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

const scratch = Buffer.alloc(MAX_NAME)

/**
 * Key of the uncompressed name at `offset`, which must have been checked: lower-cased wire octets as a binary string.
 * @param end offset behind the root label
 */
export function toKey(message: Uint8Array, offset: number, end: number): string {
  const length = end - offset
  for (let i = 0; i < length; i++) scratch[i] = LOWER[message[offset + i]!]!
  return scratch.toString('latin1', 0, length)
}

/** Whether the uncompressed name at `offset`, which must have been checked, has this key. @param end offset behind the root label */
export function hasKey(message: Uint8Array, offset: number, end: number, key: string): boolean {
  if (key.length !== end - offset) return false
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) !== LOWER[message[offset + i]!]) return false
  return true
}

/** Key of a name given as text. @throws TextError */
export function keyOf(text: string): string {
  const wire = fromText(text)
  return toKey(wire, 0, wire.length)
}

/** Text of a key. */
export function keyToText(key: string): string {
  return toText(Buffer.from(key, 'latin1'))
}

/** Whether the name `key` is `zone` or below it; both are keys. */
export function isBelow(key: string, zone: string): boolean {
  if (!key.endsWith(zone)) return false
  const cut = key.length - zone.length
  let at = 0
  while (at < cut) at += key.charCodeAt(at) + 1
  return at === cut
}

/** The key without its leftmost label; the root's key stays as it is. */
export function parentKey(key: string): string {
  const label = key.charCodeAt(0)
  return label === 0 ? key : key.slice(label + 1)
}

/** Number of labels, the root not counted. */
export function countLabels(key: string): number {
  let count = 0
  for (let at = 0; key.charCodeAt(at) !== 0; at += key.charCodeAt(at) + 1) count++
  return count
}

/**
 * A name in canonical text: lower case, escapes normalised, final dot. @throws TextError
 */
export function normalizeName(text: string): string {
  return keyToText(keyOf(text))
}
