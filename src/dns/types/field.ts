/**
 * The language that record data is described in. A field knows its four forms: octets, the value in the record object and, both ways,
 * presentation text. Record types are made of fields in `table.ts`.
 */
import type { WireReader } from '../wire-reader.ts'
import type { WireWriter } from '../wire-writer.ts'
import type { Words } from '../words.ts'

export interface Field<T> {
  /** Passes over the octets of a value and checks that they have its shape. @throws WireError */
  check(reader: WireReader): void
  /** @throws WireError */
  read(reader: WireReader): T
  /** @throws WireError or TextError when the value can't be encoded */
  write(writer: WireWriter, value: T): void
  /** @throws TextError */
  parse(words: Words): T
  format(value: T): string
}

/** A value that fills its space on the wire and has a text of its own: EDNS options and service parameters. */
export interface TextForm<T> {
  /** @throws WireError */
  read(reader: WireReader): T
  /** @throws WireError or TextError when the value can't be encoded */
  write(writer: WireWriter, value: T): void
  /** @throws TextError */
  parse(text: string): T
  format(value: T): string
}

export type ValueOf<F> = F extends Field<infer T> ? T : never

type Optional<F> = { [K in keyof F]: undefined extends ValueOf<F[K]> ? K : never }[keyof F]

/** Intersections as one object, for editors that show it. */
type Flat<T> = { [K in keyof T]: T[K] }

type StructOf<F> = Flat<
  { [K in Exclude<keyof F, Optional<F>>]: ValueOf<F[K]> } & { [K in Optional<F>]?: ValueOf<F[K]> }
>

/** Fields one after the other; the value is an object with their names. */
export function struct<F extends Record<string, Field<unknown>>>(fields: F): Field<StructOf<F>> {
  const list = Object.entries(fields)
  const kinds = Object.values(fields)
  return {
    check(reader) {
      for (const field of kinds) field.check(reader)
    },
    read(reader) {
      const value: Record<string, unknown> = {}
      for (const [name, field] of list) value[name] = field.read(reader)
      return value as StructOf<F>
    },
    write(writer, value) {
      const values: Record<string, unknown> = value
      for (const [name, field] of list) field.write(writer, values[name])
    },
    parse(words) {
      const value: Record<string, unknown> = {}
      for (const [name, field] of list) value[name] = field.parse(words)
      return value as StructOf<F>
    },
    format(value) {
      const values: Record<string, unknown> = value
      const texts = list.map(([name, field]) => field.format(values[name]))
      return texts.filter((text) => text !== '').join(' ')
    },
  }
}
