import { OPTIONS, type ParseScope, type Token } from 'corelet/plugin'
import {
  type Action,
  applyOption,
  clientSubnet,
  fromMetadata,
  NSID,
  type OptionRule,
  type OptionValue,
  VARIABLES,
} from './edns.ts'
import type { Rule } from './rule.ts'

type Report = ParseScope['report']
type Words = readonly Token[]

const ACTIONS: readonly string[] = ['set', 'append', 'replace', 'unset']

/** Reads the words behind `edns0`. */
export function readEdnsRule(field: Token, words: Words, report: Report): Rule['apply'] | undefined {
  const [kind, action, ...args] = words
  if (!kind || !action) {
    return void report(kind ?? field, 'too-few-arguments', 'EDNS0', 'edns0 local|nsid|subnet ACTION …')
  }
  const what = kind.text.toLowerCase()
  const verb = action.text.toLowerCase()
  const read = { local: readLocal, nsid: readNsid, subnet: readSubnet }[what]
  if (!read) return void report(kind, 'invalid-rule-type', kind.text, 'EDNS0 rules are local, nsid and subnet')
  if (!ACTIONS.includes(verb)) return void report(action, 'invalid-action', action.text)
  const rule = read(verb as Action, action, args, report)
  return rule && ((query) => applyOption(rule, query))
}

function readLocal(action: Action, last: Token, args: Words, report: Report): OptionRule | undefined {
  const [code, data, revert] = args
  if (action === 'unset') {
    if (args.length !== 1) return void report(args.at(-1) ?? last, 'unset-arguments', 'local')
  } else if (!data || args.length > 3) {
    return void report(args.at(-1) ?? last, 'local-arguments')
  }
  const number = readCode(code!, report)
  if (number === undefined || !isRevert(revert, report)) return undefined
  if (action === 'unset') return { code: number, action, revert: false, single: false }
  const value = readData(data!, report)
  return value && { code: number, action, value, revert: revert !== undefined, single: typeof value === 'function' }
}

function readNsid(action: Action, last: Token, args: Words, report: Report): OptionRule | undefined {
  const [revert] = args
  if (action === 'unset') {
    if (args.length > 0) return void report(revert!, 'unset-arguments', 'nsid')
    return { code: OPTIONS.NSID, action, revert: false, single: false }
  }
  if (args.length > 1) return void report(args[1] ?? last, 'nsid-arguments')
  return isRevert(revert, report) ? { ...NSID, action, revert: revert !== undefined } : undefined
}

function readSubnet(action: Action, last: Token, args: Words, report: Report): OptionRule | undefined {
  if (action === 'unset') {
    if (args.length > 0) return void report(args[0]!, 'unset-arguments', 'subnet')
    return { code: OPTIONS.ECS, action, revert: false, single: true }
  }
  const [v4, v6, revert] = args
  if (!v4 || !v6 || args.length > 3) return void report(args.at(-1) ?? last, 'subnet-arguments')
  const bits4 = readBits(v4, 32, 'IPv4', report)
  const bits6 = readBits(v6, 128, 'IPv6', report)
  if (bits4 === undefined || bits6 === undefined || !isRevert(revert, report)) return undefined
  const value = clientSubnet(bits4, bits6)
  return { code: OPTIONS.ECS, action, value, revert: revert !== undefined, single: true }
}

function isRevert(token: Token | undefined, report: Report): boolean {
  if (!token || token.text.toLowerCase() === 'revert') return true
  report(token, 'not-revert', token.text)
  return false
}

/** Numbers as Go writes them: decimal, `0x…`, and octal with a 0 in front. */
function readCode(token: Token, report: Report): number | undefined {
  const { text } = token
  const form = /^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : text
  const number = /^(0[xX][\da-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|\d+)$/.test(form) ? Number(form) : Number.NaN
  return number <= 0xffff ? number : void report(token, 'invalid-code', text)
}

function readBits(token: Token, max: number, family: string, report: Report): number | undefined {
  const bits = /^\d{1,3}$/.test(token.text) ? Number(token.text) : Infinity
  return bits <= max ? bits : void report(token, 'invalid-mask', family, token.text)
}

/** `0x…`, a variable in braces, or the text as it stands. */
function readData(token: Token, report: Report): OptionValue | undefined {
  const { text } = token
  if (/^0[xX]/.test(text)) {
    const digits = text.slice(2)
    if (digits.length % 2 !== 0 || /[^\da-fA-F]/.test(digits)) return void report(token, 'invalid-data', text)
    return new Uint8Array(Buffer.from(digits, 'hex'))
  }
  const [, name] = /^\{(.*)\}$/s.exec(text) ?? []
  if (name === undefined) return new Uint8Array(Buffer.from(text))
  if (Object.hasOwn(VARIABLES, name)) return VARIABLES[name]!
  return /^[^/]+\/.+$/s.test(name) ? fromMetadata(name) : void report(token, 'unknown-variable', name)
}
