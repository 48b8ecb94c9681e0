/** The EDNS options with a known form. */
import { addressToOctets, octetsToAddress } from '../address.ts'
import { TextError, WireError } from '../errors.ts'
import { fromHex, fromLossless, toHex, toLossless } from '../octet-text.ts'
import { toOctets } from '../words.ts'
import type { TextForm } from './field.ts'
import { plainName } from './names.ts'
import { u16, u32 } from './numbers.ts'
import { restString } from './strings.ts'

interface OptionForm<T> extends TextForm<T> {
  /** What stands before the colon in text. */
  label: string
}

/** Purposes of extended errors by their code (RFC 8914 §5.2 and its registry). */
const EDE_PURPOSES: readonly string[] = [
  'Other',
  'Unsupported DNSKEY Algorithm',
  'Unsupported DS Digest Type',
  'Stale Answer',
  'Forged Answer',
  'DNSSEC Indeterminate',
  'DNSSEC Bogus',
  'Signature Expired',
  'Signature Not Yet Valid',
  'DNSKEY Missing',
  'RRSIGs Missing',
  'No Zone Key Bit Set',
  'NSEC Missing',
  'Cached Error',
  'Not Ready',
  'Blocked',
  'Censored',
  'Filtered',
  'Prohibited',
  'Stale NXDOMAIN Answer',
  'Not Authoritative',
  'Not Supported',
  'No Reachable Authority',
  'Network Error',
  'Invalid Data',
  'Signature Expired before Valid',
  'Too Early',
  'Unsupported NSEC3 Iterations Value',
  'Unable to conform to policy',
  'Synthesized',
  'Invalid Query Type',
]

/** RFC 5001: octets that name the server, as a string; see octet-text.ts. */
const nsid: OptionForm<string> = {
  label: 'NSID',
  read: restString.read,
  write: restString.write,
  parse: (text) => toLossless(fromHex(text.replace(/\(.*/s, '').replace(/\s/g, ''))),
  format(value) {
    const octets = fromLossless(value)
    if (octets.length === 0) return ''
    const readable = [...octets].map((octet) => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.'))
    return `${toHex(octets).toLowerCase().replace(/../g, '$& ')}("${readable.join('')}")`
  },
}

/** Part of the client's address (RFC 7871 §6). */
export interface ClientSubnet {
  /** 1 for IPv4, 2 for IPv6, 0 for none, whose `ip` is `0`. */
  family: number
  sourcePrefixLength: number
  scopePrefixLength: number
  /** Bits behind the prefix are 0. */
  ip: string
}

const ecs: OptionForm<ClientSubnet> = {
  label: 'CLIENT-SUBNET',
  read(reader) {
    const family = reader.u16()
    const sourcePrefixLength = reader.u8()
    const scopePrefixLength = reader.u8()
    const prefix = reader.take(reader.left)
    const width = widthOf(family)
    if (sourcePrefixLength > width || scopePrefixLength > width) throw new WireError('prefix too long')
    if (prefix.length !== Math.ceil(sourcePrefixLength / 8)) throw new WireError('address of a wrong length')
    const octets = new Uint8Array(16)
    octets.set(prefix)
    if (!endsInZeros(octets, sourcePrefixLength)) throw new WireError('address with bits behind its prefix')
    const ip = family === 0 ? '0' : octetsToAddress(octets, 0, family === 1 ? 4 : 16)
    return { family, sourcePrefixLength, scopePrefixLength, ip }
  },
  write(writer, { family, sourcePrefixLength, scopePrefixLength, ip }) {
    const width = widthOf(family)
    const octets = family === 0 && ip === '0' ? new Uint8Array(0) : addressToOctets(ip)
    if (octets?.length !== width / 8) throw new WireError(`not an address of family ${family}: ${ip}`)
    if (!(sourcePrefixLength <= width && scopePrefixLength <= width)) throw new WireError('prefix too long')
    if (!endsInZeros(octets, sourcePrefixLength)) throw new WireError(`address with bits behind its prefix: ${ip}`)
    u16.write(writer, family)
    writer.u8(sourcePrefixLength)
    writer.u8(scopePrefixLength)
    writer.bytes(octets.subarray(0, Math.ceil(sourcePrefixLength / 8)))
  },
  parse(text) {
    const match = /^([0-9a-f.:]+)\/(\d{1,3})\/(\d{1,3})$/i.exec(text)
    if (!match) throw new TextError('not ADDRESS/SOURCE/SCOPE')
    const ip = match[1]!
    const family = ip === '0' ? 0 : ip.includes(':') ? 2 : 1
    return { family, sourcePrefixLength: Number(match[2]), scopePrefixLength: Number(match[3]), ip }
  },
  format: ({ ip, sourcePrefixLength, scopePrefixLength }) => `${ip}/${sourcePrefixLength}/${scopePrefixLength}`,
}

/** @throws WireError */
function widthOf(family: number): number {
  const width = [0, 32, 128][family]
  if (width === undefined) throw new WireError(`unknown address family ${family}`)
  return width
}

function endsInZeros(octets: Uint8Array, bits: number): boolean {
  const mask = 0xff >> (bits & 7)
  return octets.every((octet, i) => octet === 0 || i < bits >> 3 || (i === bits >> 3 && (octet & mask) === 0))
}

/** RFC 7873 §4: 8 octets of the client, and none or 8 to 32 of the server. */
const cookie: OptionForm<{ client: Uint8Array; server: Uint8Array }> = {
  label: 'COOKIE',
  read(reader) {
    const value = { client: reader.take(8), server: reader.take(reader.left) }
    checkCookie(value)
    return value
  },
  write(writer, value) {
    checkCookie(value)
    writer.bytes(value.client)
    writer.bytes(value.server)
  },
  parse(text) {
    const octets = fromHex(text)
    return { client: octets.slice(0, 8), server: octets.slice(8) }
  },
  format: ({ client, server }) => (toHex(client) + toHex(server)).toLowerCase(),
}

function checkCookie({ client, server }: { client: Uint8Array; server: Uint8Array }): void {
  const { length } = server
  if (client.length !== 8 || (length > 0 && length < 8) || length > 32) throw new WireError('cookie of a wrong length')
}

/** RFC 7828 §3.1: idle timeout in seconds, in steps of 0.1; undefined in queries. */
const keepalive: OptionForm<number | undefined> = {
  label: 'TCP KEEPALIVE',
  read: (reader) => (reader.left === 0 ? undefined : reader.u16() / 10),
  write(writer, value) {
    if (value !== undefined) u16.write(writer, Math.round(value * 10))
  },
  parse(text) {
    if (text === '') return undefined
    if (!/^\d{1,4}(\.\d)?( secs)?$/.test(text)) throw new TextError('not seconds')
    return Number.parseFloat(text)
  },
  format: (value) => (value === undefined ? '' : `${value.toFixed(1)} secs`),
}

/** RFC 7830: a number of zero octets. */
const padding: OptionForm<number> = {
  label: 'PAD',
  read(reader) {
    const octets = reader.take(reader.left)
    if (octets.some((octet) => octet !== 0)) throw new WireError('padding that is not zero')
    return octets.length
  },
  write(writer, value) {
    if (!(value >= 0 && value <= 0xffff)) throw new WireError(`bad length of padding: ${value}`)
    writer.bytes(new Uint8Array(value))
  },
  parse(text) {
    const match = /^(?:\((\d{1,5}) bytes?\))?$/.exec(text)
    if (!match) throw new TextError('not a length')
    return Number(match[1] ?? 0)
  },
  format: (value) => (value === 0 ? '' : `(${value} bytes)`),
}

/** Why a reply is what it is (RFC 8914 §2). */
const ede: OptionForm<{ infoCode: number; extraText: string }> = {
  label: 'EDE',
  read: (reader) => ({ infoCode: reader.u16(), extraText: restString.read(reader) }),
  write(writer, { infoCode, extraText }) {
    u16.write(writer, infoCode)
    restString.write(writer, extraText)
  },
  parse(text) {
    const match = /^(\d{1,5})(?: \([^()]*\))?(?:: \(([\s\S]*)\))?$/.exec(text)
    if (!match) throw new TextError('not CODE (PURPOSE): (TEXT)')
    const extra = { text: match[2] ?? '', quoted: true, column: 0 }
    return { infoCode: Number(match[1]), extraText: toLossless(toOctets(extra)) }
  },
  format({ infoCode, extraText }) {
    const purpose = EDE_PURPOSES[infoCode]
    const extra = restString.format(extraText).slice(1, -1).replaceAll('\\"', '"')
    return `${infoCode}${purpose ? ` (${purpose})` : ''}${extra ? `: (${extra})` : ''}`
  },
}

/** RFC 7314 §2: seconds until the zone expires; undefined in queries. */
const expire: OptionForm<number | undefined> = {
  label: 'EXPIRE',
  read: (reader) => (reader.left === 0 ? undefined : reader.u32()),
  write(writer, value) {
    if (value !== undefined) u32.write(writer, value)
  },
  parse(text) {
    const match = /^(?:(\d{1,10})(?: \(.*\))?)?$/.exec(text)
    if (!match) throw new TextError('not seconds')
    return match[1] === undefined ? undefined : Number(match[1])
  },
  format: (value) => (value === undefined ? '' : String(value)),
}

function nameForm(label: string): OptionForm<string> {
  return { label, read: plainName.read, write: plainName.write, parse: (text) => text, format: plainName.format }
}

export const OPTION_FORMS = {
  NSID: nsid,
  ECS: ecs,
  COOKIE: cookie,
  KEEPALIVE: keepalive,
  PADDING: padding,
  EDE: ede,
  EXPIRE: expire,
  /** RFC 7901 §4: closest trusted name. */
  CHAIN: nameForm('CHAIN'),
  /** RFC 9567 §5: domain of the agent that takes error reports. */
  REPORT_CHANNEL: nameForm('REPORT-CHANNEL'),
}
