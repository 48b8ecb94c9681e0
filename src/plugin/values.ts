/** Readers of single words of a directive: text in, typed value out, or a diagnostic. */
import { isIP } from 'node:net'
import type { Codes } from '../corefile/codes.ts'
import { zoneOfKey } from '../corefile/keys.ts'
import type { Token } from '../corefile/model.ts'
import { fromRcodeName, fromTypeName } from '../dns/constants.ts'
import { normalizeName } from '../dns/name.ts'
import { normalizeZone } from '../dns/zone.ts'
import { parseDuration } from './duration.ts'

/** Takes findings. `params` fill the template of `code`; plugins' own codes are written without their prefix. */
export type Report = (token: Token, code: string, ...params: (string | number)[]) => void

/** Reads one word; undefined after it has reported what is wrong with it. */
export interface Value<T> {
  /** What READMEs and usage lines call it: `TTL`. */
  readonly name: string
  /** What kind of word it is, for completion and the README's table: `duration`. */
  readonly kind: string
  /** The words that it takes, when they can be listed. */
  readonly choices?: readonly string[]
  read(token: Token, report: Report): T | undefined
}

/** Any word. */
export function text(name: string): Value<string> {
  return { name, kind: 'text', read: (token) => token.text }
}

/** A word that `read` understands; it must report when it returns undefined. */
export function custom<T>(name: string, kind: string, read: Value<T>['read']): Value<T> {
  return { name, kind, read }
}

export interface Range {
  min?: number
  max?: number
  /** Code reported instead of `out-of-range` when below `min`, above `max`; gets the word. */
  below?: string
  above?: string
}

export function integer(name: string, range: Range = {}): Value<number> {
  const { min = -Infinity, max = Infinity } = range
  const bounds = `${min > -Infinity ? `, at least ${min}` : ''}${max < Infinity ? `, at most ${max}` : ''}`
  return {
    name,
    kind: 'integer',
    read(token, report) {
      if (!/^[+-]?\d+$/.test(token.text)) return void report(token, 'bad-integer', token.text, name, bounds)
      const number = Number(token.text)
      if (number < min) return void report(token, range.below ?? 'out-of-range', token.text, name, bounds)
      if (number > max) return void report(token, range.above ?? 'out-of-range', token.text, name, bounds)
      return number
    },
  }
}

/** A duration in Go's notation, read as milliseconds; the range is in milliseconds. */
export function duration(name: string, range: Range = {}): Value<number> {
  const { min = -Infinity, max = Infinity } = range
  return {
    name,
    kind: 'duration',
    read(token, report) {
      const value = parseDuration(token.text)
      if (typeof value === 'string') return void report(token, 'bad-duration', value)
      if (value < min) return void report(token, range.below ?? 'out-of-range', token.text, name, '')
      if (value > max) return void report(token, range.above ?? 'out-of-range', token.text, name, '')
      return value
    },
  }
}

/** One of the given words. `code` is reported otherwise, with the word. */
export function choice<const T extends string>(
  name: string,
  choices: readonly T[],
  options: { ignoreCase?: boolean; code?: string } = {},
): Value<T> {
  return {
    name,
    kind: 'choice',
    choices,
    read(token, report) {
      const word = options.ignoreCase ? token.text.toLowerCase() : token.text
      const found = choices.find((each) => each === word)
      if (found === undefined) report(token, options.code ?? 'bad-choice', token.text, `one of: ${choices.join(', ')}`)
      return found
    },
  }
}

/**
 * A zone name or a network, read as the list of its normal forms, see zone.ts. A transport and a port are taken and mean nothing, as in
 * CoreDNS.
 */
export function zone(name = 'ZONE', code = 'bad-zone'): Value<string[]> {
  return {
    name,
    kind: 'zone',
    read(token, report) {
      try {
        const zone = zoneOfKey(token.text)
        if (zone === '') throw new TypeError('no zone')
        return normalizeZone(zone)
      } catch {
        return void report(token, code, token.text)
      }
    },
  }
}

/** A domain name in normal form. */
export function domain(name: string, code = 'bad-zone'): Value<string> {
  return {
    name,
    kind: 'name',
    read(token, report) {
      try {
        return normalizeName(token.text)
      } catch {
        return void report(token, code, token.text)
      }
    },
  }
}

/** An IP address without a zone id. */
export function address(name = 'ADDRESS', code = 'bad-address'): Value<string> {
  return {
    name,
    kind: 'address',
    read(token, report) {
      if (isIP(token.text) === 0 || token.text.includes('%')) return void report(token, code, token.text)
      return token.text
    },
  }
}

/** An address or network. */
export interface Network {
  address: string
  bits: number
}

export function network(name = 'NET', code = 'bad-network'): Value<Network> {
  return {
    name,
    kind: 'network',
    read(token, report) {
      const [word = '', bits, more] = token.text.split('/')
      const family = isIP(word)
      const width = family === 4 ? 32 : 128
      const length = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Infinity
      if (family === 0 || word.includes('%') || more !== undefined || length > width) {
        return void report(token, code, token.text)
      }
      return { address: word, bits: length }
    },
  }
}

/** Where an HTTP endpoint listens: the parts of `HOST:PORT`. */
export interface HostPort {
  host: string
  port: number
}

/** `HOST:PORT`, `:PORT`, `[IPv6]:PORT`, as Go's net.SplitHostPort reads it. */
export function hostPort(name = 'ADDRESS'): Value<HostPort> {
  return {
    name,
    kind: 'host:port',
    read(token, report) {
      const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d*)$/.exec(token.text)
      if (!match) {
        return void report(token, 'bad-host-port', token.text, describeHostPort(token.text))
      }
      const port = Number(match[3] || 0)
      if (port > 0xffff) return void report(token, 'bad-host-port', token.text, 'invalid port')
      return { host: match[1] ?? match[2] ?? '', port }
    },
  }
}

function describeHostPort(text: string): string {
  const colons = text.replace(/^\[[^\]]*\]/, '').split(':').length - 1
  if (colons === 0) return 'missing port in address'
  return colons === 1 ? 'unknown port' : 'too many colons in address'
}

/** A mnemonic of an rcode, ignoring case; read as its number. */
export function rcode(name = 'RCODE'): Value<number> {
  return {
    name,
    kind: 'rcode',
    read(token, report) {
      const number = fromRcodeName(token.text)
      if (number === undefined) report(token, 'bad-rcode', token.text)
      return number
    },
  }
}

/** A mnemonic of a record type, ignoring case; read as its number. */
export function recordType(name = 'TYPE'): Value<number> {
  return {
    name,
    kind: 'type',
    read(token, report) {
      const number = fromTypeName(token.text)
      if (number === undefined) report(token, 'bad-choice', token.text, 'a record type such as A or AAAA')
      return number
    },
  }
}

export type { Codes, Token }
