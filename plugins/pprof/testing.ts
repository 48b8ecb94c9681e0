/** Reads profiles of pprof, for tests. */
import type { Frame } from './profile.ts'

export interface ReadProfile {
  /** `TYPE UNIT`. */
  types: string[]
  samples: { frames: Frame[]; values: number[] }[]
  periodType: string
  period: number
  /** Nanoseconds. */
  duration: number
}

type Fields = Map<number, (number | Uint8Array)[]>

/** @param octets not compressed */
export function readProfile(octets: Uint8Array): ReadProfile {
  const profile = readFields(octets)
  const messages = (fields: Fields, field: number) =>
    (fields.get(field) ?? []).map((octets) => readFields(octets as Uint8Array))
  const number = (fields: Fields, field: number) => Number(fields.get(field)?.[0] ?? 0)
  const texts = (profile.get(6) ?? []).map((octets) => Buffer.from(octets as Uint8Array).toString())
  const text = (fields: Fields, field: number) => texts[number(fields, field)]!
  const type = (fields: Fields) => `${text(fields, 1)} ${text(fields, 2)}`
  const functions = new Map(messages(profile, 5).map((each) => [number(each, 1), each]))
  const frames = new Map(
    messages(profile, 4).map((location): [number, Frame] => {
      const [line] = messages(location, 4)
      const called = functions.get(number(line!, 1))!
      return [number(location, 1), { name: text(called, 2), file: text(called, 4), line: number(line!, 2) }]
    }),
  )
  return {
    types: messages(profile, 1).map(type),
    samples: messages(profile, 2).map((sample) => ({
      frames: readPacked(sample.get(1)![0] as Uint8Array).map((id) => frames.get(id)!),
      values: readPacked(sample.get(2)![0] as Uint8Array),
    })),
    periodType: type(messages(profile, 11)[0]!),
    period: number(profile, 12),
    duration: number(profile, 10),
  }
}

function readFields(octets: Uint8Array): Fields {
  const fields: Fields = new Map()
  const at = { offset: 0 }
  while (at.offset < octets.length) {
    const tag = readVarint(octets, at)
    let value: number | Uint8Array = readVarint(octets, at)
    if ((tag & 7) === 2) {
      at.offset += value
      value = octets.subarray(at.offset - value, at.offset)
    }
    const field = tag >> 3
    fields.set(field, [...(fields.get(field) ?? []), value])
  }
  return fields
}

function readPacked(octets: Uint8Array): number[] {
  const numbers: number[] = []
  for (const at = { offset: 0 }; at.offset < octets.length; ) numbers.push(readVarint(octets, at))
  return numbers
}

function readVarint(octets: Uint8Array, at: { offset: number }): number {
  let value = 0
  for (let factor = 1; ; factor *= 128) {
    const octet = octets[at.offset++]!
    value += (octet & 0x7f) * factor
    if (octet < 0x80) return value
  }
}
