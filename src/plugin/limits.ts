/** What the directives that tune listeners have in common: options with a count, each given once. */
import type { Codes } from '../corefile/codes.ts'
import type { Param, ReadLine } from './directive.ts'
import { custom, type Report, type Value } from './values.ts'

/** A count of at least `min`; needs the codes of {@link limitCodes}. */
export function limit(option: string, min: 0 | 1): Value<number> {
  return custom('N', 'integer', (token, report) => {
    const { text } = token
    const count = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
    if (!Number.isSafeInteger(count)) return void report(token, 'not-a-number', option, text)
    if (count < min) return void report(token, 'too-low', option, text)
    return count
  })
}

/** The diagnostics of options read with {@link limit}, with examples for one of them. */
export function limitCodes(directive: string, option: string, min: 0 | 1): Codes {
  const example = (...lines: string[]) =>
    `. {\n  ${directive} {\n${lines.map((line) => `    ${option} ${line}\n`).join('')}  }\n}`
  return {
    'not-a-number': {
      message: "invalid {0} value '{1}': not a whole number",
      hint: `write a number such as 100${min === 0 ? '; 0 is without limit' : ''}`,
      example: example('many'),
    },
    'too-low': {
      message: `{0} must be a ${min === 0 ? 'non-negative' : 'positive'} integer: {1}`,
      hint: `write ${min} or more`,
      example: example('-1'),
    },
    'given-twice': {
      message: '{0} already defined for this server block',
      hint: 'keep one of the two',
      example: example('100', '200'),
    },
  }
}

/** The counts of options that may be given once each, over all uses of the directive; undefined after it has reported. */
export function readLimits<Name extends string>(
  names: readonly Name[],
  uses: readonly { options: Record<Name, readonly ReadLine<readonly [Param<number, 'one'>]>[]> }[],
  report: Report,
): Partial<Record<Name, number>> | undefined {
  const counts: Partial<Record<Name, number>> = {}
  let failed = false
  for (const name of names) {
    const [first, second] = uses.flatMap(({ options }) => options[name])
    if (first) counts[name] = first.values[0]
    if (!second) continue
    report(second.token, 'given-twice', name)
    failed = true
  }
  return failed ? undefined : counts
}
