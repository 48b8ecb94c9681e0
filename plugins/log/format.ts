import { isIPv6 } from 'node:net'
import { type Query, RCODES, type Reply, toRcodeName } from 'corelet/plugin'
import { responseSize } from '../../src/observe/dns-metrics.ts'

/** A finished query. */
export interface Entry {
  query: Query
  reply: Reply
  /** How long it took. */
  milliseconds: number
}

/** Writes an entry as one line. */
export type Format = (entry: Entry) => string

export const COMMON =
  '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}'
const COMBINED = `${COMMON} "{>opcode}"`

/** Stands for a value that there is none of. */
const EMPTY = '-'

const PLACEHOLDERS: Record<string, Format> = {
  type: ({ query }) => query.type,
  class: ({ query }) => query.class,
  name: ({ query }) => query.origin.name,
  proto: ({ query }) => query.proto,
  size: ({ query }) => String(query.packet.length),
  remote: ({ query }) => toHost(query.client.address),
  local: ({ query }) => toHost(query.local.address),
  port: ({ query }) => String(query.client.port),
  rcode: ({ reply }) => (reply.kind === 'drop' ? EMPTY : toRcode(reply.rcode)),
  rsize: ({ query, reply }) => String(responseSize(query, reply)),
  duration: ({ milliseconds }) => toSeconds(milliseconds),
  '>id': ({ query }) => String(query.id),
  '>opcode': ({ query }) => String(query.opcode),
  '>do': ({ query }) => String(query.dnssecOk),
  '>bufsize': ({ query }) => String(query.maxSize),
  '>rflags': ({ reply }) => (reply.kind === 'drop' ? EMPTY : toFlagNames(reply.flags)),
}

/**
 * Makes a function of a format. `{common}` and `{combined}` stand for those formats, `{/plugin/label}` for metadata; placeholders that
 * are not known are text.
 */
export function compileFormat(format: string): Format {
  const text = format.replaceAll('{common}', COMMON).replaceAll('{combined}', COMBINED)
  const parts: (string | Format)[] = []
  let literal = ''
  let at = 0
  for (let close = text.indexOf('}'); close >= 0; close = text.indexOf('}', at)) {
    const open = text.lastIndexOf('{', close)
    const placeholder = open >= at ? toPlaceholder(text.slice(open + 1, close)) : undefined
    if (placeholder) {
      parts.push(literal + text.slice(at, open), placeholder)
      literal = ''
    } else {
      literal += text.slice(at, close + 1)
    }
    at = close + 1
  }
  parts.push(literal + text.slice(at))
  return (entry) => {
    let line = ''
    for (const part of parts) line += typeof part === 'string' ? part : part(entry)
    return line
  }
}

function toPlaceholder(name: string): Format | undefined {
  if (Object.hasOwn(PLACEHOLDERS, name)) return PLACEHOLDERS[name]
  if (!name.startsWith('/')) return undefined
  const label = name.slice(1)
  return ({ query }) => query.metadata(label) || EMPTY
}

function toHost(address: string): string {
  return isIPv6(address) ? `[${address}]` : address
}

const KNOWN_RCODES: ReadonlySet<number> = new Set(Object.values(RCODES))

function toRcode(rcode: number): string {
  return KNOWN_RCODES.has(rcode) ? toRcodeName(rcode) : String(rcode)
}

/** Seconds as the shortest decimal that keeps nanoseconds: `0.000123456s`. */
function toSeconds(milliseconds: number): string {
  const digits = (Math.max(0, milliseconds) / 1000).toFixed(9)
  return `${digits.replace(/\.?0+$/, '')}s`
}

const FLAG_NAMES = [
  [0x8000, 'qr'],
  [0x0400, 'aa'],
  [0x0200, 'tc'],
  [0x0100, 'rd'],
  [0x0080, 'ra'],
  [0x0040, 'z'],
  [0x0020, 'ad'],
  [0x0010, 'cd'],
] as const

function toFlagNames(flags: number): string {
  return FLAG_NAMES.filter(([bit]) => flags & bit)
    .map(([, name]) => name)
    .join(',')
}
