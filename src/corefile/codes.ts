/**
 * The registry of diagnostics. `message` is a template ({0}, {1} … are filled in) that contains CoreDNS's key phrase;
 * `hint` says what to do; `example` is a Corefile that produces it: the tests run each one, docs/diagnostics.md lists them all.
 */
export interface Code {
  message: string
  hint: string
  example: string
  severity?: 'warning'
}

export type Codes = Record<string, Code>

/** Codes of values and lines that every plugin shares. The language's own codes are in `language-codes.ts`. */
export const VALUE_CODES = {
  'wrong-argument-count': {
    message: "Wrong argument count or unexpected line ending after '{0}'",
    hint: 'usage: {1}',
    example: '. {\n  whoami extra\n}',
  },
  'once-per-block': {
    message: 'this plugin can only be used once per Server Block',
    hint: 'merge the two {0} directives into one',
    example: '. {\n  cache 30\n  cache 60\n}',
  },
  'unknown-property': {
    message: "unknown property '{0}'",
    hint: '{1}',
    example: '. {\n  health {\n    lameduk 5s\n  }\n}',
  },
  'unexpected-block': {
    message: "Wrong argument count or unexpected line ending after '{'",
    hint: '{0} takes no block',
    example: '. {\n  whoami {\n    x\n  }\n}',
  },
  'bad-integer': {
    message: 'strconv.Atoi: parsing "{0}": invalid syntax',
    hint: '{1} is a whole number{2}',
    example: '. {\n  cache {\n    success many\n  }\n}',
  },
  'out-of-range': {
    message: '{1} is out of range: {0}',
    hint: '{1} is a whole number{2}',
    example: '. {\n  forward . 127.0.0.1 {\n    max_fails -1\n  }\n}',
  },
  'bad-duration': {
    message: 'time: {0}',
    hint: 'write a number with a unit, for example 500ms, 30s, 1h30m',
    example: '. {\n  reload 30\n}',
  },
  'bad-choice': {
    message: "invalid value '{0}'",
    hint: '{1}',
    example: '. {\n  forward . 127.0.0.1 {\n    doh_method PUT\n  }\n}',
  },
  'bad-zone': {
    message: "unable to normalize '{0}'",
    hint: 'a zone is a domain name such as example.org or a network such as 10.0.0.0/8',
    example: '. {\n  forward a..b 127.0.0.1\n}',
  },
  'bad-address': {
    message: 'invalid IP address: {0}',
    hint: 'write an IPv4 or IPv6 address',
    example: '. {\n  forward . 127.0.0.1 {\n    source_address here\n  }\n}',
  },
  'bad-network': {
    message: 'invalid CIDR address: {0}',
    hint: 'write an address or a network such as 10.0.0.0/8 or 2001:db8::/32',
    example: '. {\n  aaaa-filter {\n    net nowhere\n  }\n}',
  },
  'bad-host-port': {
    message: 'address {0}: {1}',
    hint: 'write HOST:PORT, :PORT or [IPv6]:PORT',
    example: '. {\n  health 8080\n}',
  },
  'bad-rcode': {
    message: '{0} is not a valid rcode',
    hint: 'rcodes are NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, …',
    example: '. {\n  forward . 127.0.0.1 {\n    failover NOPE\n  }\n}',
  },
  'bad-regex': {
    message: 'error parsing regexp: {1}: `{0}`',
    hint: 'regular expressions have the RE2 syntax: no look-around, no back references',
    example: '. {\n  errors {\n    consolidate 5m ^(\n  }\n}',
  },
  'regex-too-long': {
    message: 'regex pattern too long: {0} > 10000',
    hint: 'split it into several',
    example: `. {\n  errors {\n    consolidate 5m ${'a'.repeat(10_001)}\n  }\n}`,
  },
} satisfies Codes

/** Fills {0}, {1} … of a template. */
export function fill(template: string, params: readonly (string | number)[]): string {
  return template.replace(/\{(\d)\}/g, (_, digit: string) => String(params[Number(digit)] ?? ''))
}
