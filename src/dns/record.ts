/**
 * Records as objects, in the shape that dns-packet made common: `{ name, type, class, ttl, data }`. Names, in `name` and in `data`, are
 * text with a final dot; see name.ts.
 */
import type { TypeName } from './constants.ts'
import type { ValueOf } from './types/field.ts'
import type { FORMATS } from './types/table.ts'

export type { TxtData } from './types/strings.ts'

export interface RecordOf<Type extends string, Data> {
  name: string
  type: Type
  /** `IN` when left out. */
  class?: string
  /** Seconds. */
  ttl: number
  data: Data
}

type Formats = typeof FORMATS

/** The types whose data is more than octets. */
export type KnownType = keyof Formats

/** Data of a type: `DataOf<'SRV'>` is `{ priority, weight, port, target }`. */
export type DataOf<Type extends KnownType> = ValueOf<Formats[Type]>

/** A record whose data is left as it is (RFC 3597); also a known type whose data can't be understood. */
export type OpaqueRecord = RecordOf<Exclude<TypeName, KnownType | 'OPT'> | `TYPE${number}`, Uint8Array>

export type ResourceRecord = { [Type in KnownType]: RecordOf<Type, DataOf<Type>> }[KnownType] | OpaqueRecord
