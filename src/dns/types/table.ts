/** The record types with a known form: what their data is made of, on the wire, as an object and as text. */
import { TYPES } from '../constants.ts'
import { type Field, struct } from './field.ts'
import { location } from './location.ts'
import { fullName, ipv4, ipv6, name, plainName } from './names.ts'
import { named, optional, time, type, u8, u16, u32, u48 } from './numbers.ts'
import { countedBase32, countedHex, hexText, macText, restBase64, restHex } from './octets.ts'
import { restString, string, strings, tag } from './strings.ts'
import { svcParams } from './svcb.ts'
import { typeList } from './type-list.ts'

const ds = struct({ keyTag: u16, algorithm: u8, digestType: u8, digest: restHex })

const dnskey = struct({ flags: u16, protocol: optional(u8, 3), algorithm: u8, key: restBase64 })

const svcb = struct({ priority: u16, target: plainName, params: svcParams })

const tlsa = struct({ usage: u8, selector: u8, matchingType: u8, certificate: restHex })

const signature = {
  typeCovered: type,
  algorithm: u8,
  labels: u8,
  originalTTL: u32,
  expiration: time,
  inception: time,
  keyTag: u16,
}

/** Certificate types of RFC 4398 §2.1. */
const CERTIFICATES = {
  PKIX: 1,
  SPKI: 2,
  PGP: 3,
  IPKIX: 4,
  ISPKI: 5,
  IPGP: 6,
  ACPKIX: 7,
  IACPKIX: 8,
  URI: 253,
  OID: 254,
}

/** DNSSEC algorithms, by their mnemonics in CERT (RFC 4398 §2.2) as `dig` prints them; elsewhere they are numbers. */
const ALGORITHMS = {
  RSAMD5: 1,
  DH: 2,
  DSA: 3,
  RSASHA1: 5,
  NSEC3DSA: 6,
  NSEC3RSASHA1: 7,
  RSASHA256: 8,
  RSASHA512: 10,
  ECCGOST: 12,
  ECDSAP256SHA256: 13,
  ECDSAP384SHA384: 14,
  ED25519: 15,
  ED448: 16,
  INDIRECT: 252,
  PRIVATEDNS: 253,
  PRIVATEOID: 254,
}

const TSIG_ERRORS = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 }

export const FORMATS = {
  // RFC 1035 §3.3, §3.4.1; RFC 1183; RFC 2163; RFC 2230
  A: ipv4,
  NS: name,
  MD: name,
  MF: name,
  CNAME: name,
  SOA: struct({ mname: name, rname: name, serial: u32, refresh: u32, retry: u32, expire: u32, minimum: u32 }),
  MB: name,
  MG: name,
  MR: name,
  PTR: name,
  HINFO: struct({ cpu: string, os: string }),
  MINFO: struct({ rmailbx: name, emailbx: name }),
  MX: struct({ preference: u16, exchange: name }),
  TXT: strings,
  RP: struct({ mbox: fullName, txt: fullName }),
  AFSDB: struct({ subtype: u16, hostname: fullName }),
  RT: struct({ preference: u16, host: fullName }),
  PX: struct({ preference: u16, map822: fullName, mapx400: fullName }),
  KX: struct({ preference: u16, exchanger: fullName }),
  // RFC 3596, 2782, 3403, 6672, 4408
  AAAA: ipv6,
  SRV: struct({ priority: u16, weight: u16, port: u16, target: fullName }),
  NAPTR: struct({
    order: u16,
    preference: u16,
    flags: string,
    services: string,
    regexp: string,
    replacement: fullName,
  }),
  DNAME: fullName,
  SPF: strings,
  // DNSSEC: RFC 4034, 5155, 7344, 7477, 8976; SIG is RFC 2535 §4.1
  SIG: struct({ ...signature, signersName: fullName, signature: restBase64 }),
  DS: ds,
  RRSIG: struct({ ...signature, signersName: plainName, signature: restBase64 }),
  NSEC: struct({ nextDomain: plainName, rrtypes: typeList }),
  DNSKEY: dnskey,
  NSEC3: struct({
    algorithm: u8,
    flags: u8,
    iterations: u16,
    salt: countedHex,
    nextDomain: countedBase32,
    rrtypes: typeList,
  }),
  NSEC3PARAM: struct({ algorithm: u8, flags: u8, iterations: u16, salt: countedHex }),
  CDS: ds,
  CDNSKEY: dnskey,
  CSYNC: struct({ serial: u32, flags: u16, rrtypes: typeList }),
  ZONEMD: struct({ serial: u32, scheme: u8, algorithm: u8, digest: restHex }),
  DLV: ds,
  // Keys and certificates: RFC 4398, 4255, 6698, 8162, 7929, 8659, 7553
  CERT: struct({
    certificateType: named(u16, CERTIFICATES),
    keyTag: u16,
    algorithm: named(u8, ALGORITHMS),
    certificate: restBase64,
  }),
  SSHFP: struct({ algorithm: u8, hash: u8, fingerprint: hexText }),
  TLSA: tlsa,
  SMIMEA: tlsa,
  OPENPGPKEY: restBase64,
  CAA: struct({ flags: u8, tag, value: restString }),
  URI: struct({ priority: u16, weight: u16, target: restString }),
  // RFC 1876, 9460
  LOC: location,
  SVCB: svcb,
  HTTPS: svcb,
  // RFC 8945 §4.2
  TSIG: struct({
    algorithm: plainName,
    timeSigned: u48,
    fudge: u16,
    mac: macText,
    originalId: u16,
    error: named(u16, TSIG_ERRORS),
    otherData: macText,
  }),
}

const byNumber = new Map<number, Field<unknown>>(
  Object.entries(FORMATS).map(([name, format]) => [TYPES[name as keyof typeof FORMATS], format as Field<unknown>]),
)

/** Form of a type's data by the type's number, undefined for types that are only octets. */
export function formatOf(type: number): Field<unknown> | undefined {
  return byNumber.get(type)
}
