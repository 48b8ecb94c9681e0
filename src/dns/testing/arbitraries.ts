/** Random records and names for property tests (fast-check). */
import fc from 'fast-check'
import { toText } from '../name.ts'
import { toLossless } from '../octet-text.ts'
import type { DataOf, KnownType, ResourceRecord } from '../record.ts'
import type { SvcParams } from '../types/svcb.ts'
import { FORMATS } from '../types/table.ts'

/** Objects as literals make them. */
function object<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>
}

const octet = fc.integer({ min: 0, max: 255 })

/** Names as wire labels with arbitrary octets; short ones from a small alphabet are likely, so that they compress. */
export const labels: fc.Arbitrary<Uint8Array[]> = fc
  .oneof(
    fc.array(
      fc.constantFrom('www', 'example', 'Example', 'org', 'a', '*', '__proto__').map((text) => Buffer.from(text)),
      { maxLength: 5 },
    ),
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 8 }),
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 1 }), { maxLength: 127 }),
  )
  .filter((list) => list.reduce((sum, label) => sum + label.length + 1, 1) <= 255)

export function toWire(list: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat([...list.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)]))
}

export const name = labels.map((list) => toText(toWire(list)))

const u8 = octet
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const u48 = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const octets = fc.uint8Array({ maxLength: 300 })
const short = fc.uint8Array({ maxLength: 255 })
const string = short.map(toLossless)
const strings = fc.array(string, { maxLength: 4 })
const ipv4 = fc.ipV4()
/** In the form that is read back. */
const ipv6 = fc.constantFrom(
  '::',
  '::1',
  '2001:db8::1',
  '::ffff:192.0.2.1',
  '1:2:3:4:5:6:7:8',
  '2001:db8:0:0:1::',
  'fe80::1:0:0:1',
)
const type = fc.oneof(
  fc.constantFrom('A', 'NS', 'SOA', 'RRSIG', 'NSEC', 'CAA'),
  fc.integer({ min: 300, max: 32000 }).map((n) => `TYPE${n}`),
)
const RRTYPES = ['A', 'NS', 'SOA', 'MX', 'AAAA', 'RRSIG', 'URI', 'CAA', 'TYPE1234', 'TYPE65534']
const rrtypes = fc.subarray(RRTYPES)

const metres = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 }))
  .map(([digit, power]) => (digit * 10 ** power) / 100)

const params: fc.Arbitrary<SvcParams> = fc.record(
  {
    mandatory: fc.uniqueArray(fc.constantFrom('alpn', 'port', 'ipv6hint', 'key700'), { minLength: 1 }),
    alpn: fc.array(string, { minLength: 1, maxLength: 3 }),
    'no-default-alpn': fc.constant(true as const),
    port: u16,
    ipv4hint: fc.array(ipv4, { minLength: 1, maxLength: 3 }),
    ech: octets,
    ipv6hint: fc.array(ipv6, { minLength: 1, maxLength: 3 }),
    dohpath: octets.map(toLossless),
    ohttp: fc.constant(true as const),
    key700: octets,
    key65534: octets,
  },
  { requiredKeys: [], noNullPrototype: true },
)

const ds = object({ keyTag: u16, algorithm: u8, digestType: u8, digest: octets })
const dnskey = object({ flags: u16, protocol: u8, algorithm: u8, key: octets })
const tlsa = object({ usage: u8, selector: u8, matchingType: u8, certificate: octets })
const signature = object({
  typeCovered: type,
  algorithm: u8,
  labels: u8,
  originalTTL: u32,
  expiration: u32,
  inception: u32,
  keyTag: u16,
  signersName: name,
  signature: octets,
})
const svcb = object({ priority: u16, target: name, params })

/** Data of each type, as it is read back. */
export const DATA: { [Type in KnownType]: fc.Arbitrary<DataOf<Type>> } = {
  A: ipv4,
  NS: name,
  MD: name,
  MF: name,
  CNAME: name,
  SOA: object({ mname: name, rname: name, serial: u32, refresh: u32, retry: u32, expire: u32, minimum: u32 }),
  MB: name,
  MG: name,
  MR: name,
  PTR: name,
  HINFO: object({ cpu: string, os: string }),
  MINFO: object({ rmailbx: name, emailbx: name }),
  MX: object({ preference: u16, exchange: name }),
  TXT: strings,
  RP: object({ mbox: name, txt: name }),
  AFSDB: object({ subtype: u16, hostname: name }),
  RT: object({ preference: u16, host: name }),
  PX: object({ preference: u16, map822: name, mapx400: name }),
  KX: object({ preference: u16, exchanger: name }),
  AAAA: ipv6,
  SRV: object({ priority: u16, weight: u16, port: u16, target: name }),
  NAPTR: object({ order: u16, preference: u16, flags: string, services: string, regexp: string, replacement: name }),
  DNAME: name,
  SPF: strings,
  SIG: signature,
  DS: ds,
  RRSIG: signature,
  NSEC: object({ nextDomain: name, rrtypes }),
  DNSKEY: dnskey,
  NSEC3: object({ algorithm: u8, flags: u8, iterations: u16, salt: short, nextDomain: short, rrtypes }),
  NSEC3PARAM: object({ algorithm: u8, flags: u8, iterations: u16, salt: short }),
  CDS: ds,
  CDNSKEY: dnskey,
  CSYNC: object({ serial: u32, flags: u16, rrtypes }),
  ZONEMD: object({ serial: u32, scheme: u8, algorithm: u8, digest: octets }),
  DLV: ds,
  CERT: object({ certificateType: u16, keyTag: u16, algorithm: u8, certificate: octets }),
  SSHFP: object({
    algorithm: u8,
    hash: u8,
    fingerprint: octets.map((each) => Buffer.from(each).toString('hex').toUpperCase()),
  }),
  TLSA: tlsa,
  SMIMEA: tlsa,
  OPENPGPKEY: octets,
  CAA: object({ flags: u8, tag: string, value: octets.map(toLossless) }),
  URI: object({ priority: u16, weight: u16, target: octets.map(toLossless) }),
  LOC: object({
    latitude: fc.integer({ min: -324_000_000, max: 324_000_000 }).map((units) => units / 3_600_000),
    longitude: fc.integer({ min: -648_000_000, max: 648_000_000 }).map((units) => units / 3_600_000),
    altitude: u32.map((units) => (units - 10_000_000) / 100),
    size: metres,
    horizontalPrecision: metres,
    verticalPrecision: metres,
  }),
  SVCB: svcb,
  HTTPS: svcb,
  TSIG: object({
    algorithm: name,
    timeSigned: u48,
    fudge: u16,
    mac: octets,
    originalId: u16,
    error: u16,
    otherData: octets,
  }),
}

const KNOWN = Object.keys(FORMATS) as KnownType[]

/** Records of one type. */
export function recordOf(known: KnownType): fc.Arbitrary<ResourceRecord> {
  return object({
    name,
    class: fc.constantFrom('IN', 'CH', 'CLASS32'),
    ttl: fc.integer({ min: 0, max: 0x7fffffff }),
    data: DATA[known] as fc.Arbitrary<unknown>,
  }).map((parts) => ({ ...parts, type: known }) as ResourceRecord)
}

const opaqueRecord = object({
  name,
  class: fc.constant('IN'),
  ttl: fc.integer({ min: 0, max: 0x7fffffff }),
  type: fc.constantFrom('NULL', 'TYPE65280', 'APL'),
  data: octets,
}).map((record) => record as ResourceRecord)

/** Records of any type. */
export const record = fc.oneof(opaqueRecord, ...KNOWN.map(recordOf))

export const records = fc.array(record, { maxLength: 6 })
