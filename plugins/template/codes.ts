import type { Codes } from 'corelet/plugin'

const withLine = (line: string) => `. {\n  template IN A {\n    ${line}\n  }\n}`

/** Diagnostics of `template`. */
export const codes = {
  'invalid-class': {
    message: 'invalid query class {0}',
    hint: 'write IN, CH, HS, NONE or ANY, in upper case',
    example: '. {\n  template in A {\n    rcode NXDOMAIN\n  }\n}',
  },
  'invalid-type': {
    message: 'invalid RR class {0}',
    hint: 'write a record type such as A or AAAA, or ANY, in upper case',
    example: '. {\n  template IN a {\n    rcode NXDOMAIN\n  }\n}',
  },
  'invalid-regex': {
    message: 'could not parse regex: {0}, {1}',
    hint: 'regular expressions have the RE2 syntax: no look-around, no back references',
    example: withLine('match ^(a'),
  },
  'invalid-template': {
    message: 'could not compile template: {1}, {0}',
    hint: 'the README of template lists what there is of the template language',
    example: withLine('answer "{{ .Name } 60 IN A 192.0.2.1"'),
  },
  'unknown-rcode': {
    message: 'unknown rcode {0}',
    hint: 'write a mnemonic in upper case, such as NXDOMAIN',
    example: withLine('rcode nxdomain'),
  },
  'bad-ederror': {
    message: 'error parsing extended DNS error code {0}',
    hint: 'write a number from 0 to 65535 (RFC 8914 §5.2)',
    example: withLine('ederror blocked'),
  },
  'invalid-variable': {
    message: 'invalid variable name "{0}"',
    hint: 'a name has letters, digits and _, and begins with no digit',
    example: withLine('var 1st name()'),
  },
  'reserved-variable': {
    message: 'variable name "{0}" is reserved',
    hint: 'it is a function or a word of the language: choose another',
    example: withLine('var name type()'),
  },
  'bad-expression': {
    message: 'could not compile expression: {0}',
    hint: 'docs/expressions.md describes the language',
    example: withLine("expr name() =='a' and"),
  },
  'unknown-word': {
    message: "Wrong argument count or unexpected line ending after '{0}'",
    hint: '{1}',
    example: withLine('answers "a. A 192.0.2.1"'),
  },
} satisfies Codes
