/** Names in records: their owners, and what of their data is a name. */
import type { ResourceRecord } from 'corelet/plugin'
import type { Draft } from './rule.ts'

/** Gives another name, or undefined to leave this one. */
export type Rename = (name: string) => string | undefined

/** Types whose data is a name, and the field of it in the others. */
const VALUE_FIELDS: Record<string, string | undefined> = {
  CNAME: '',
  NS: '',
  DNAME: '',
  PTR: '',
  SRV: 'target',
  MX: 'exchange',
  NAPTR: 'replacement',
  SOA: 'mname',
}

/** Renames the owners of all records. */
export function renameOwners(draft: Draft, rename: Rename): void {
  editRecords(draft, (record) => {
    const name = rename(record.name)
    return name === undefined ? record : { ...record, name }
  })
}

/** Renames what the data of all records says. */
export function renameValues(draft: Draft, rename: Rename): void {
  editRecords(draft, (record) => {
    const field = VALUE_FIELDS[record.type]
    if (field === undefined || record.data instanceof Uint8Array) return record
    const data = record.data as string | Record<string, unknown>
    const value = typeof data === 'string' ? data : (data[field] as string)
    const renamed = rename(value)
    if (renamed === undefined) return record
    return { ...record, data: typeof data === 'string' ? renamed : { ...data, [field]: renamed } } as ResourceRecord
  })
}

/** Changes every record; `edit` returns one as it is when there is nothing to change. */
export function editRecords(draft: Draft, edit: (record: ResourceRecord) => ResourceRecord): void {
  for (const section of ['authorities', 'answers', 'additionals'] as const) {
    draft[section] = draft[section].map((record) => {
      const edited = edit(record)
      if (edited !== record) draft.edited = true
      return edited
    })
  }
}
