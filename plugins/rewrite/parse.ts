/** From the words of a rule to the rule. */
import {
  type Directive,
  fromClassName,
  fromRcodeName,
  fromTypeName,
  type Line,
  type ParseScope,
  type Token,
} from 'corelet/plugin'
import { readAnswerPart } from './parse-answer.ts'
import { readEdnsRule } from './parse-edns.ts'
import { isMatch, readPattern, readTarget } from './parse-names.ts'
import type { Rule } from './rule.ts'
import { cnameRule, nameRule, numberRule, rcodeRule, ttlRule } from './rules.ts'

type Report = ParseScope['report']
type Apply = Rule['apply']

const MAX_TTL = 0x7fffffff
const MAX_RCODE = 23

/** Reads one `rewrite`; undefined after it has reported. */
export function readRule(use: Pick<Directive, 'name' | 'args' | 'block'>, report: Report): Rule | undefined {
  const { name, args, block } = use
  if (block && args.length > 1) return void report(args.at(-1)!, 'block-behind-rule', '')
  const words = [...args, ...flatten(block ?? [])]
  const [first] = words
  const mode = first?.text.toLowerCase()
  const hasMode = mode === 'stop' || mode === 'continue'
  const [field, ...rest] = hasMode ? words.slice(1) : words
  if (!field) return void (first ? report(first, 'mode-alone', mode!) : report(name, 'no-rule-type'))
  const apply = readField(field, rest, report)
  return apply && { stops: mode !== 'continue', apply }
}

function flatten(lines: readonly Line[]): Token[] {
  return lines.flatMap(({ name, args, block }) => [
    name,
    ...args.filter(({ closesBlock }) => !closesBlock),
    ...flatten(block ?? []),
  ])
}

function readField(field: Token, args: readonly Token[], report: Report): Apply | undefined {
  switch (field.text.toLowerCase()) {
    case 'name':
      return readName(field, args, report)
    case 'type':
      return readNumbers(field, args, report, 'qtype', fromTypeName)
    case 'class':
      return readNumbers(field, args, report, 'qclass', fromClassName)
    case 'ttl':
      return readTtl(field, args, report)
    case 'rcode':
      return readRcode(field, args, report)
    case 'cname':
      return readCname(field, args, report)
    case 'edns0':
      return readEdnsRule(field, args, report)
    case 'answer':
      return void report(field, 'answer-first')
    default:
      return void report(
        field,
        'invalid-rule-type',
        field.text,
        'rules are name, type, class, ttl, rcode, cname and edns0',
      )
  }
}

function readName(field: Token, args: readonly Token[], report: Report): Apply | undefined {
  const usage = 'name [exact|prefix|suffix|substring|regex] FROM TO [answer …]'
  if (args.length < 2) return void report(field, 'too-few-arguments', 'name', usage)
  const explicit = args.length > 2
  if (explicit && !isMatch(args[0]!.text)) return void report(args[0]!, 'unknown-match', 'name', args[0]!.text)
  const kind = explicit ? args[0]!.text.toLowerCase() : 'exact'
  const [from, to, ...answer] = explicit ? args.slice(1) : args
  if (!from || !to) return void report(field, 'too-few-arguments', 'name', usage)
  const part = readAnswerPart(kind, answer, report)
  const pattern = readPattern(kind, from, report)
  const target = pattern && readTarget(pattern, to, report)
  if (!part || !pattern || target === undefined) return undefined
  return nameRule(pattern, target, part)
}

function readNumbers(
  field: Token,
  args: readonly Token[],
  report: Report,
  property: 'qtype' | 'qclass',
  read: (name: string) => number | undefined,
): Apply | undefined {
  const what = field.text.toLowerCase()
  if (args.length !== 2) return void report(args.at(-1) ?? field, 'wrong-number', what)
  const [from, to] = args.map((token) => {
    const number = read(token.text)
    if (number === undefined) report(token, 'invalid-type', what, token.text)
    return number
  })
  return from === undefined || to === undefined ? undefined : numberRule(property, from, to)
}

/** The name that `ttl` and `rcode` rules are for: `[MATCH] NAME`, before `count` more words. */
function readSubject(field: Token, args: readonly Token[], count: number, usage: string, report: Report) {
  const what = field.text.toLowerCase()
  if (args.length < count + 1) return void report(field, 'too-few-arguments', what, usage)
  if (args.length > count + 2) return void report(args[count + 2]!, 'too-many-arguments', what, usage)
  const explicit = args.length === count + 2
  if (explicit && !isMatch(args[0]!.text)) return void report(args[0]!, 'unknown-match', what, args[0]!.text)
  const [name, ...rest] = explicit ? args.slice(1) : args
  const pattern = readPattern(explicit ? args[0]!.text.toLowerCase() : 'exact', name!, report)
  return pattern && { pattern, rest }
}

function readTtl(field: Token, args: readonly Token[], report: Report): Apply | undefined {
  const subject = readSubject(field, args, 1, 'ttl [exact|prefix|suffix|substring|regex] NAME TTL', report)
  if (!subject) return undefined
  const token = subject.rest[0]!
  const [, low = '', dash = '', high = ''] = /^(\d{0,10})(-?)(\d{0,10})$/.exec(token.text) ?? []
  const min = low === '' ? 0 : Number(low)
  const max = dash === '' ? min : high === '' ? MAX_TTL : Number(high)
  if ((low === '' && high === '') || min > max || max > MAX_TTL) return void report(token, 'invalid-ttl', token.text)
  return ttlRule(subject.pattern, min, max)
}

function readRcode(field: Token, args: readonly Token[], report: Report): Apply | undefined {
  const subject = readSubject(field, args, 2, 'rcode [exact|prefix|suffix|substring|regex] NAME FROM TO', report)
  if (!subject) return undefined
  const [from, to] = subject.rest.map((token, i) => {
    const number = /^\d+$/.test(token.text) ? Number(token.text) : fromRcodeName(token.text)
    if (number !== undefined && number <= MAX_RCODE) return number
    return void report(token, 'invalid-rcode', i === 0 ? 'matching' : 'replacement', token.text)
  })
  return from === undefined || to === undefined ? undefined : rcodeRule(subject.pattern, from, to)
}

function readCname(field: Token, args: readonly Token[], report: Report): Apply | undefined {
  if (args.length !== 2 && args.length !== 3) {
    return void report(args.at(-1) ?? field, 'cname-arguments', args.length)
  }
  const explicit = args.length === 3
  if (explicit && !isMatch(args[0]!.text)) return void report(args[0]!, 'unknown-match', 'cname', args[0]!.text)
  const kind = explicit ? args[0]!.text.toLowerCase() : 'exact'
  const [from, to] = args.slice(-2)
  const pattern = readPattern(kind, from!, report, { absolute: kind === 'exact' })
  const target = pattern && readTarget(pattern, to!, report, { absolute: kind === 'exact' })
  return pattern && target !== undefined ? cnameRule(pattern, target) : undefined
}
