import type { ResourceRecord } from './record.ts'

/** One EDNS option; `data` is the option's octets (RFC 6891 §6.1.2). */
export interface EdnsOption {
  code: number
  data: Uint8Array
}

export interface Sections {
  answers: ResourceRecord[]
  authorities: ResourceRecord[]
  additionals: ResourceRecord[]
}
