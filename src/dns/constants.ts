/**
 * The registries of the DNS protocol as name ↔ number maps (IANA "Domain Name System (DNS) Parameters").
 * Names are the mnemonics that `dig` prints; unknown numbers are written `TYPE123`, `CLASS123` (RFC 3597 §5), `RCODE123`.
 */

export const TYPES = {
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  WKS: 11,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  X25: 19,
  ISDN: 20,
  RT: 21,
  NSAP: 22,
  SIG: 24,
  KEY: 25,
  PX: 26,
  GPOS: 27,
  AAAA: 28,
  LOC: 29,
  NXT: 30,
  SRV: 33,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  A6: 38,
  DNAME: 39,
  OPT: 41,
  APL: 42,
  DS: 43,
  SSHFP: 44,
  IPSECKEY: 45,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  HIP: 55,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  DSYNC: 66,
  SPF: 99,
  NID: 104,
  L32: 105,
  L64: 106,
  LP: 107,
  EUI48: 108,
  EUI64: 109,
  NXNAME: 128,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  URI: 256,
  CAA: 257,
  AVC: 258,
  DOA: 259,
  AMTRELAY: 260,
  RESINFO: 261,
  TA: 32768,
  DLV: 32769,
} as const

/** Types that are no data and can't be asked for (RFC 6895 §3.1, RFC 6891 §6.1.1, RFC 8945 §4.2, RFC 9824 §3.4). */
export const META_TYPES: ReadonlySet<number> = new Set([
  TYPES.OPT,
  TYPES.NXNAME,
  TYPES.TKEY,
  TYPES.TSIG,
  TYPES.MAILB,
  TYPES.MAILA,
])

export const CLASSES = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const

export const RCODES = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  DSOTYPENI: 11,
  BADSIG: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADMODE: 19,
  BADNAME: 20,
  BADALG: 21,
  BADTRUNC: 22,
  BADCOOKIE: 23,
} as const

/** The rcode that an OPT of an unknown version gets; shares its number with BADSIG (RFC 6891 §9). */
export const BADVERS = 16

export const OPCODES = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5, DSO: 6 } as const

/** EDNS option codes (RFC 6891 §9 registry). */
export const OPTIONS = {
  LLQ: 1,
  UL: 2,
  NSID: 3,
  DAU: 5,
  DHU: 6,
  N3U: 7,
  ECS: 8,
  EXPIRE: 9,
  COOKIE: 10,
  KEEPALIVE: 11,
  PADDING: 12,
  CHAIN: 13,
  KEYTAG: 14,
  EDE: 15,
  REPORT_CHANNEL: 18,
  ZONEVERSION: 19,
} as const

/** The longest TTL in seconds. One with its top bit set, which is more, stands for it (RFC 8767 §4). */
export const MAX_TTL = 0x7fffffff

/** Bits of the 16-bit flags word of the header (RFC 1035 §4.1.1, RFC 4035 §3). */
export const QR = 0x8000
export const AA = 0x0400
export const TC = 0x0200
export const RD = 0x0100
export const RA = 0x0080
export const Z = 0x0040
export const AD = 0x0020
export const CD = 0x0010

export type TypeName = keyof typeof TYPES

const typeNames = invert(TYPES)
const classNames = invert(CLASSES)
const rcodeNames = invert(RCODES)

function invert(table: Record<string, number>): Map<number, string> {
  return new Map(Object.entries(table).map(([name, number]) => [number, name]))
}

/** Mnemonic of a type number, `TYPE123` when it has none. */
export function toTypeName(type: number): string {
  return typeNames.get(type) ?? `TYPE${type}`
}

/** Number of a type mnemonic or `TYPE123`, ignoring case; undefined when it is neither. */
export function fromTypeName(name: string): number | undefined {
  return lookUp(TYPES, 'TYPE', name)
}

export function toClassName(cls: number): string {
  return classNames.get(cls) ?? `CLASS${cls}`
}

export function fromClassName(name: string): number | undefined {
  return lookUp(CLASSES, 'CLASS', name)
}

/** Mnemonic of an rcode, `RCODE123` when it has none; 16 reads BADSIG as in CoreDNS. */
export function toRcodeName(rcode: number): string {
  return rcodeNames.get(rcode) ?? `RCODE${rcode}`
}

export function fromRcodeName(name: string): number | undefined {
  return lookUp(RCODES, 'RCODE', name)
}

function lookUp(table: Record<string, number>, prefix: string, name: string): number | undefined {
  if (Object.hasOwn(table, name)) return table[name]
  const upper = name.toUpperCase()
  if (Object.hasOwn(table, upper)) return table[upper]
  if (!upper.startsWith(prefix) || !/^\d{1,5}$/.test(upper.slice(prefix.length))) return undefined
  const number = Number(upper.slice(prefix.length))
  return number <= 0xffff ? number : undefined
}
