import type { ParseScope, Token } from 'corelet/plugin'
import type { AnswerPart, AnswerRule } from './answers.ts'
import { checkGroups, readRegex, toAbsolute } from './parse-names.ts'

type Report = ParseScope['report']

/** Reads what stands behind FROM and TO of a name rule: `answer auto`, `answer name REGEX TO`, `answer value REGEX TO`, one after the other. */
export function readAnswerPart(kind: string, words: readonly Token[], report: Report): AnswerPart | undefined {
  let auto = kind === 'exact'
  const rules: AnswerRule[] = []
  if (words.length === 1) return void report(words[0]!, 'exact-arguments', words[0]!.text)
  if (words[0] && words[0].text.toLowerCase() !== 'answer') return void report(words[0], 'not-answer', kind)
  let explicitAuto: Token | undefined
  for (let i = 0; i < words.length; ) {
    const word = words[i]!
    if (word.text.toLowerCase() === 'answer') i++
    const what = words[i]
    if (!what) return void report(word, 'answer-type-missing')
    const type = what.text.toLowerCase()
    if (type === 'auto') {
      auto = true
      explicitAuto = what
      i++
    } else if (type === 'name' || type === 'value') {
      const rule = readAnswerRule(type, what, words.slice(i + 1, i + 3), report)
      if (!rule) return undefined
      rules.push(rule)
      i += 3
    } else {
      return void report(what, 'answer-type', what.text)
    }
  }
  if (explicitAuto && rules.some(({ what }) => what === 'name')) return void report(explicitAuto, 'answer-auto')
  return { auto, rules }
}

function readAnswerRule(
  what: AnswerRule['what'],
  token: Token,
  [pattern, target]: readonly Token[],
  report: Report,
): AnswerRule | undefined {
  if (!pattern || !target) return void report(pattern ?? token, 'answer-arguments', what)
  const regex = readRegex(pattern, report)
  if (!regex || !checkGroups(target, regex, report)) return undefined
  return { what, regex, to: toAbsolute(target.text.toLowerCase()) }
}
