import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readText } from 'corelet/plugin/testing'
import loadbalance from './index.ts'
import { parseWeights } from './weights.ts'

const TEN = { address: '10.0.0.0', bits: 8 }
const FD = { address: 'fd00::', bits: 8 }
const rounds = (...prefer: unknown[]) => ({ policy: 'round_robin', prefer })
const weighted = (reload: number) => ({ policy: 'weighted', file: 'w', reload })

test('the directive takes a policy and its options', async () => {
  const cases: [text: string, codes: [code: string, line: number, column: number][], options?: unknown][] = [
    ['loadbalance', [], rounds()],
    ['loadbalance round_robin', [], rounds()],
    ['loadbalance {\nprefer 10.0.0.0/8\nprefer fd00::/8 10.0.0.0/8\n}', [], rounds(TEN, FD, TEN)],
    ['loadbalance {\nprefer 10.0.0.0/8\n}\nloadbalance {\nprefer fd00::/8\n}', [], rounds(TEN, FD)],
    ['loadbalance weighted w', [], weighted(30_000)],
    ['loadbalance weighted w {\nreload 5m\n}', [], weighted(300_000)],
    ['loadbalance weighted w {\nreload 0\n}', [], weighted(0)],
    ['loadbalance weighted v\nloadbalance {\nprefer fd00::/8\n}', [], rounds(FD)],
    ['loadbalance {\nprefer 10.0.0.0/8\n}\nloadbalance weighted w\nloadbalance', [], rounds()],
    ['loadbalance random', [['loadbalance/unknown-policy', 2, 13]]],
    ['loadbalance round_robin x', [['loadbalance/extra-words', 2, 25]]],
    ['loadbalance {\nreload 5s\n}', [['unknown-property', 3, 1]]],
    ['loadbalance {\nprefer\n}', [['wrong-argument-count', 3, 1]]],
    [
      'loadbalance {\nprefer 10.0.0.1 nowhere\n}',
      [
        ['loadbalance/bad-prefer', 3, 8],
        ['loadbalance/bad-prefer', 3, 17],
      ],
    ],
    ['loadbalance weighted', [['loadbalance/no-weight-file', 2, 13]]],
    ['loadbalance weighted w x', [['loadbalance/extra-argument', 2, 24]]],
    ['loadbalance weighted w {\nreload\n}', [['loadbalance/no-reload-value', 3, 1]]],
    ['loadbalance weighted w {\nreload 1s 2s\n}', [['loadbalance/extra-reload-value', 3, 11]]],
    ['loadbalance weighted w {\nreload 30\n}', [['loadbalance/bad-reload', 3, 8]]],
    ['loadbalance weighted w {\nreload -1s\n}', [['loadbalance/bad-reload', 3, 8]]],
    ['loadbalance weighted w {\nprefer 10.0.0.0/8\n}', [['unknown-property', 3, 1]]],
  ]
  for (const [text, codes, expected] of cases) {
    const { options, diagnostics } = await readText(loadbalance, text)
    assert.deepEqual(
      diagnostics.map(({ code, line, column }) => [code, line, column]),
      codes,
      text,
    )
    assert.deepEqual(options, expected ? [expected] : [], text)
  }
})

test('a weight file has names, and addresses with weights', () => {
  const weights = parseWeights(
    '# c\n192.example\n\n 192.0.2.1  3 \r\n2001:DB8:0::1 255\nb.example.\n192.0.2.1 1\n192.example.\n192.0.2.2 2\n192.0.2.1 9\n',
    'w',
  )
  assert.deepEqual(
    [...weights].map(([name, group]) => [name, [...group]]),
    [
      [
        '192.example.',
        [
          ['192.0.2.1', 3],
          ['2001:db8::1', 255],
          ['192.0.2.2', 2],
        ],
      ],
      ['b.example.', [['192.0.2.1', 1]]],
    ],
  )
})

test('mistakes of a weight file are told', () => {
  const cases: [text: string, message: string][] = [
    ['192.0.2.1', 'wrong domain name:"192.0.2.1" in weight file w. (Maybe a missing weight value?)'],
    ['a\nb 3', 'wrong IP address:"b" in weight file w'],
    ['a\n192.0.2.1 0', 'wrong weight value:"0" in weight file w'],
    ['a\n192.0.2.1 256', 'wrong weight value:"256" in weight file w'],
    ['a\n192.0.2.1 -1', 'wrong weight value:"-1" in weight file w'],
    ['a\n192.0.2.1 x', 'wrong weight value:"x" in weight file w'],
    ['192.0.2.1 1', 'missing domain name in weight file w'],
    ['a\n192.0.2.1 1 2', 'could not parse weight line:"192.0.2.1 1 2" in weight file w'],
  ]
  for (const [text, message] of cases) assert.throws(() => parseWeights(text, 'w'), { message })
})
