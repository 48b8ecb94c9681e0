/** Rules that put EDNS options into queries, and take them out of replies again. */
import { addressToOctets, type EdnsOption, OPTIONS, type Query } from 'corelet/plugin'
import type { Draft, Fired } from './rule.ts'

export type Action = 'set' | 'append' | 'replace' | 'unset'

/** What an option holds: octets, or something to be made for each query; undefined when there is nothing to put in. */
export type OptionValue = Uint8Array | ((query: Query) => Uint8Array | undefined)

export interface OptionRule {
  code: number
  action: Action
  /** Missing for `unset`. */
  value?: OptionValue
  /** The client does not see in replies what was changed. */
  revert: boolean
  /** A second one is not appended. */
  single: boolean
}

/** Of an OPT that was not there; octets. */
const UDP_SIZE = 4096

/** What the rule makes of a query; undefined when it has nothing to change. */
export function applyOption({ code, action, value, revert, single }: OptionRule, query: Query): Fired | undefined {
  const { options } = query
  const old = options.find((option) => option.code === code)
  if (action === 'unset') {
    return (
      old && {
        change: {
          edns: toEdns(
            query,
            options.filter((option) => option.code !== code),
          ),
        },
      }
    )
  }
  const data = typeof value === 'function' ? value(query) : value
  if (!data || (action === 'replace' && !old) || (action === 'append' && old && single)) return undefined
  const added: EdnsOption = { code, data }
  const replaces = old !== undefined && action !== 'append'
  const changed = replaces ? options.map((option) => (option === old ? added : option)) : [...options, added]
  return {
    change: { edns: toEdns(query, changed) },
    ...(revert && { respond: (draft: Draft) => revertOption(draft, added, replaces ? old : undefined) }),
  }
}

function toEdns(query: Query, options: EdnsOption[]) {
  return { udpSize: query.edns ? query.udpSize : UDP_SIZE, flags: query.ednsFlags, options }
}

/** Takes an option out of the reply, or gives it the value that the client sent. */
function revertOption(draft: Draft, { code }: EdnsOption, old: EdnsOption | undefined): void {
  draft.options = draft.options.flatMap((option) => (option.code !== code ? [option] : old ? [old] : []))
}

const u16 = (number: number) => Uint8Array.of(number >> 8, number & 0xff)
const text = (value: string) => new Uint8Array(Buffer.from(value))
const address = (value: string) => addressToOctets(value.replace(/%.*$/, ''))

/** What `{…}` may stand for, besides metadata. */
export const VARIABLES: Readonly<Record<string, (query: Query) => Uint8Array | undefined>> = {
  qname: (query) => text(query.qname),
  qtype: (query) => u16(query.qtype),
  client_ip: (query) => address(query.client.address),
  client_port: (query) => u16(query.client.port),
  protocol: (query) => text(query.proto),
  server_ip: (query) => address(query.local.address),
  server_port: (query) => u16(query.local.port),
}

/** A metadata value; nothing when it is empty. */
export function fromMetadata(label: string): (query: Query) => Uint8Array | undefined {
  return (query) => {
    const value = query.metadata(label)
    return value ? text(value) : undefined
  }
}

/** The option that tells the client's network (RFC 7871 §6), cut after so many bits. */
export function clientSubnet(v4: number, v6: number): (query: Query) => Uint8Array | undefined {
  return (query) => {
    const octets = address(query.client.address)
    if (!octets) return undefined
    const bits = octets.length === 4 ? v4 : v6
    const length = Math.ceil(bits / 8)
    const prefix = octets.slice(0, length)
    if (bits % 8 > 0) prefix[length - 1]! &= 0xff << (8 - (bits % 8))
    return Uint8Array.of(0, octets.length === 4 ? 1 : 2, bits, 0, ...prefix)
  }
}

export const NSID: Pick<OptionRule, 'code' | 'value' | 'single'> = {
  code: OPTIONS.NSID,
  value: new Uint8Array(0),
  single: false,
}
