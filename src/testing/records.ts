import type { ResourceRecord } from '../dns/record.ts'
import { formatRecord, parseRecord } from '../dns/text.ts'

/** Records from text, one each: `toRecords('example.org. 60 IN A 192.0.2.1')`. @throws TextError */
export function toRecords(...lines: readonly string[]): ResourceRecord[] {
  return lines.map((line) => parseRecord(line))
}

/** Records as text, a blank between their parts: `example.org. 60 IN A 192.0.2.1`. */
export function toLines(records: readonly ResourceRecord[]): string[] {
  return records.map((record) => formatRecord(record).replaceAll('\t', ' '))
}
