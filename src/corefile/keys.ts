/** The keys of a server block: `[TRANSPORT://]ZONE[:PORT]`. */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { normalizeName } from '../dns/name.ts'
import { normalizeZone } from '../dns/zone.ts'
import { createDiagnostic, type Finding } from './diagnostics.ts'
import { KEY_CODES } from './key-codes.ts'
import type { Diagnostic, Token } from './model.ts'
import { nearest } from './nearest.ts'

export type Transport = 'dns' | 'tls' | 'quic' | 'https' | 'https3' | 'grpc'

/** Ports of keys without one; that of `dns` is given by `-dns.port`. */
const DEFAULT_PORTS: Readonly<Record<Transport, number>> = {
  dns: 53,
  tls: 853,
  quic: 853,
  https: 443,
  https3: 443,
  grpc: 443,
}

/** Longest zone in UTF-16 units of its text. */
const MAX_ZONE = 255

/** What a key says. */
export interface Key {
  transport: Transport
  /** In normal form; more than one for a network that ends between the boundaries of reverse zones. */
  zones: readonly string[]
  /** 0 is a port that the system chooses. */
  port: number
  token: Token
}

/** Reads the keys of a block; those with an error are left out. @param dnsPort port of `dns` keys without one */
export function readKeys(tokens: readonly Token[], dnsPort: number): { keys: Key[]; diagnostics: Diagnostic[] } {
  const findings: Finding[] = []
  const keys = tokens.flatMap((token) => readKey(token, dnsPort, (finding) => void findings.push(finding)) ?? [])
  return { keys, diagnostics: findings.map((finding) => createDiagnostic(finding, KEY_CODES)) }
}

/** The zone that a key names, without transport and port, as it is written; plugins take keys as their zones, too. */
export function zoneOfKey(text: string): string {
  return splitPort(splitScheme(text).rest).host
}

/** Reads a key; undefined when no server comes of it. */
function readKey(token: Token, dnsPort: number, take: (finding: Finding) => void): Key | undefined {
  const report = (code: keyof typeof KEY_CODES, ...params: string[]) =>
    void take({ position: token.position, code, params })
  const { scheme, rest } = splitScheme(token.text)
  const { host, port } = splitPort(rest)
  if (rest === '' || rest.endsWith(':')) return report('key-without-port', rest)
  if (host.length > MAX_ZONE) return report('zone-too-long', String(host.length))
  let zones: string[]
  try {
    if (host === '') throw new TypeError('no zone')
    zones = normalizeZone(host)
  } catch {
    return report(host.includes('/') && host.includes(':') ? 'key-bad-network' : 'key-bad-zone', host)
  }
  if (scheme === 'unix') return report('scheme-without-server', token.text)
  const number = port ?? (scheme === 'dns' ? dnsPort : DEFAULT_PORTS[scheme])
  if (number < 0 || number > 0xffff) return report('key-bad-port', String(number), rest)
  warn(host, zones, report)
  return { transport: scheme, zones, port: number, token }
}

/** Zones that CoreDNS takes although nobody means them. */
function warn(
  host: string,
  zones: readonly string[],
  report: (code: keyof typeof KEY_CODES, ...params: string[]) => void,
): void {
  const scheme = /^([^:/]+):\/\//.exec(host)?.[1]
  const port = /:([^:/]+)$/.exec(host)?.[1]
  if (scheme) {
    const schemes = Object.keys(DEFAULT_PORTS)
    report('unknown-scheme', scheme, host, `${nearest(scheme, schemes) ?? schemes.join(', ')}`)
  } else if (port && !host.includes('/')) {
    report('port-not-a-number', port, host)
  } else if (/^\d+\.\d+\.\d+\.\d+\.?$/.test(host) || host.endsWith(':')) {
    report('address-as-zone', host)
  } else if (isIP(host.replace(/\/.*/s, '')) && zones[0] === normalizeName(host)) {
    report('network-as-zone', host)
  } else if (host.includes(',')) {
    report('comma-in-zone', host)
  } else if (/[{}]$/.test(host)) {
    report('brace-in-zone', host)
  } else if (/[^\0-\x7f]/.test(host)) {
    report('zone-not-ascii', host, domainToASCII(host) || 'the name in ASCII')
  }
}

function splitScheme(text: string): { scheme: Transport | 'unix'; rest: string } {
  const match = /^(dns|tls|quic|https|https3|grpc|unix):\/\/(.*)$/s.exec(text)
  return match ? { scheme: match[1] as Transport | 'unix', rest: match[2]! } : { scheme: 'dns', rest: text }
}

/** The text behind the last colon is the port if it is an integer as Go reads one. */
function splitPort(text: string): { host: string; port: number | undefined } {
  const colon = text.lastIndexOf(':')
  const word = text.slice(colon + 1)
  const port = colon >= 0 && /^[+-]?\d+$/.test(word) ? Number(word) : undefined
  if (port === undefined || Math.abs(port) > 2 ** 63) return { host: text, port: undefined }
  return { host: text.slice(0, colon), port: port + 0 }
}
