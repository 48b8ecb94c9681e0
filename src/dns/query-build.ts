import { WireError } from './errors.ts'
import type { EdnsOption } from './message.ts'
import { fromText } from './name.ts'
import { writeU16 } from './octets.ts'
import type { QueryView } from './query-view.ts'

/** What may differ in a derived query; what is left out stays. `edns: null` takes the OPT away. */
export interface QueryChange {
  id?: number
  flags?: number
  name?: string
  qtype?: number
  qclass?: number
  edns?: { udpSize: number; flags: number; options: EdnsOption[] } | null
}

/** Octets of the query `view` with changes. Records other than the OPT are not carried over. @throws TextError on a bad name */
export function rebuildQuery(view: QueryView, change: QueryChange): Uint8Array {
  const name = change.name === undefined ? view.packet.subarray(12, view.questionEnd - 4) : fromText(change.name)
  const opt = change.edns === undefined ? ownOpt(view) : change.edns === null ? undefined : encodeOpt(change.edns)
  const packet = new Uint8Array(12 + name.length + 4 + (opt?.length ?? 0))
  writeU16(packet, 0, change.id ?? view.id)
  writeU16(packet, 2, change.flags ?? view.flags)
  writeU16(packet, 4, 1)
  packet.set(name, 12)
  writeU16(packet, 12 + name.length, change.qtype ?? view.qtype)
  writeU16(packet, 14 + name.length, change.qclass ?? view.qclass)
  if (opt) {
    writeU16(packet, 10, 1)
    packet.set(opt, 16 + name.length)
  }
  return packet
}

function ownOpt(view: QueryView): Uint8Array | undefined {
  return view.optOffset < 0 ? undefined : view.packet.subarray(view.optOffset, view.optionsEnd)
}

/**
 * An OPT record (RFC 6891 §6.1.2), of version 0 if none is given. `flags` are DO, CO and Z; of `rcode` the upper 8 of its 12 bits go into it.
 * @throws WireError when the options take more than 65535 octets
 */
export function encodeOpt(opt: {
  udpSize: number
  flags: number
  options: readonly EdnsOption[]
  version?: number
  rcode?: number
}): Uint8Array {
  const length = opt.options.reduce((sum, option) => sum + 4 + option.data.length, 0)
  if (length > 0xffff) throw new WireError('EDNS options longer than 65535 octets')
  const octets = new Uint8Array(11 + length)
  const out = new DataView(octets.buffer)
  out.setUint16(1, 41)
  out.setUint16(3, opt.udpSize)
  out.setUint8(5, (opt.rcode ?? 0) >> 4)
  out.setUint8(6, opt.version ?? 0)
  out.setUint16(7, opt.flags)
  out.setUint16(9, length)
  let at = 11
  for (const { code, data } of opt.options) {
    out.setUint16(at, code)
    out.setUint16(at + 2, data.length)
    octets.set(data, at + 4)
    at += 4 + data.length
  }
  return octets
}
