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

export interface Question {
  name: string
  /** Mnemonic, `TYPE123` when it has none. */
  type: string
  /** `IN` when left out. */
  class?: string
}

/** The OPT pseudo-record but for the upper bits of the rcode, which {@link Message.rcode} holds (RFC 6891 §6.1). */
export interface Opt {
  /** Largest UDP message in octets that the sender takes. */
  udpSize: number
  version: number
  /** DO, CO and Z bits. */
  flags: number
  options: readonly EdnsOption[]
}

/** A whole message as objects. The OPT is `opt`, not one of `additionals`. */
export interface Message extends Sections {
  id: number
  /** Flags word of the header; its rcode bits are 0. */
  flags: number
  /** All 12 bits. */
  rcode: number
  question?: Question
  opt?: Opt
}
