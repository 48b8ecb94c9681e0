/** Profiles in the format of pprof (github.com/google/pprof, proto/profile.proto). */
import { ProtoWriter } from './protobuf.ts'

/** A function and a place in it. */
export interface Frame {
  name: string
  file: string
  /** Where the function begins, from 1; 0 when it is not known. */
  line: number
}

export interface Sample {
  /** Innermost first. */
  frames: readonly Frame[]
  /** One for each of the profile's types. */
  values: readonly number[]
}

interface ValueType {
  /** Such as `cpu`. */
  type: string
  /** Such as `nanoseconds`. */
  unit: string
}

export interface Profile {
  types: readonly ValueType[]
  samples: readonly Sample[]
  /** Milliseconds since 1970 at which it was taken. */
  time: number
  /** Milliseconds. */
  duration: number
  periodType: ValueType
  period: number
}

/** Octets of a profile, not compressed. */
export function encodeProfile({ types, samples, time, duration, periodType, period }: Profile): Uint8Array {
  const texts = new Index<string>((text) => text)
  texts.of('')
  const frames = new Index<Frame>(({ name, file, line }) => `${line} ${file} ${name}`)
  const out = new ProtoWriter()
  const writeType = (field: number, { type, unit }: ValueType) =>
    out.message(field, (writer) => {
      writer.number(1, texts.of(type))
      writer.number(2, texts.of(unit))
    })
  for (const type of types) writeType(1, type)
  for (const sample of samples) {
    out.message(2, (writer) => {
      writer.packed(
        1,
        sample.frames.map((frame) => frames.of(frame) + 1),
      )
      writer.packed(2, sample.values)
    })
  }
  for (const [index, { name, file, line }] of frames.items.entries()) {
    const id = index + 1
    out.message(4, (writer) => {
      writer.number(1, id)
      writer.message(4, (place) => {
        place.number(1, id)
        place.number(2, line)
      })
    })
    out.message(5, (writer) => {
      writer.number(1, id)
      writer.number(2, texts.of(name))
      writer.number(3, texts.of(name))
      writer.number(4, texts.of(file))
      writer.number(5, line)
    })
  }
  out.number(9, Math.round(time * 1e6))
  out.number(10, Math.round(duration * 1e6))
  writeType(11, periodType)
  out.number(12, period)
  for (const text of texts.items) out.text(6, text)
  return out.finish()
}

/** Numbers things from 0, the same ones alike. */
class Index<T> {
  readonly items: T[] = []
  readonly #known = new Map<string, number>()
  readonly #toKey: (item: T) => string

  constructor(toKey: (item: T) => string) {
    this.#toKey = toKey
  }

  of(item: T): number {
    const key = this.#toKey(item)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#known.set(key, this.items.length)
    return this.items.push(item) - 1
  }
}
