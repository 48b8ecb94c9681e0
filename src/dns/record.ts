/** Records as objects, in the shape that dns-packet made common: `{ name, type, class, ttl, data }`. */

/** Names in `name` and `data` are text with a final dot. */
export interface RecordOf<Type extends string, Data> {
  name: string
  type: Type
  /** `IN` when left out. */
  class?: string
  /** Seconds. */
  ttl: number
  data: Data
}

export type ResourceRecord =
  | RecordOf<'A' | 'AAAA' | 'NS' | 'CNAME' | 'DNAME' | 'PTR', string>
  | RecordOf<string, unknown>
