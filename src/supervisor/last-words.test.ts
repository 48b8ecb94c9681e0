import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LastWords } from './last-words.ts'

const OUT_OF_MEMORY = `
<--- Last few GCs --->
[7:0x1] 1234 ms: Mark-Compact 40.1 (45.2) -> 40.0 (45.2) MB

FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory
----- Native stack trace -----
`
const UNCAUGHT = `file:///app/plugin.js:3
    throw new TypeError('no')
    ^

TypeError: no
    at file:///app/plugin.js:3:11
`

const cases: [text: string, code: number | null, reason: string, shown: RegExp][] = [
  [OUT_OF_MEMORY, null, 'memory', /^FATAL ERROR: Ineffective/],
  [UNCAUGHT, 1, 'error', /^TypeError: no\n/],
  ['panic: Error: no\n', 2, 'error', /^panic: Error: no$/],
  ['', null, 'signal', /^$/],
  ['', 0, 'exit', /^$/],
  [`${'x'.repeat(10_000)}\nRangeError: late`, 1, 'error', /^RangeError: late$/],
  ['x'.repeat(10_000), 1, 'error', /^x{600}$/],
]
for (const [text, code, reason, shown] of cases) {
  test(`${JSON.stringify(text.slice(0, 20))}, status ${code}: ${reason}`, () => {
    const words = new LastWords()
    for (let i = 0; i < text.length; i += 7) words.add(text.slice(i, i + 7))
    assert.equal(words.reason(code), reason)
    assert.match(words.toString(), shown)
  })
}
