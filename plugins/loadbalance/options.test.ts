import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDirectives } from 'corelet/plugin/testing'
import loadbalance from './index.ts'
import { parseWeights } from './weights.ts'

const TEN = { address: '10.0.0.0', bits: 8 }
const FD = { address: 'fd00::', bits: 8 }
const rounds = (...prefer: unknown[]) => ({ policy: 'round_robin', prefer })
const weighted = (reload: number) => ({ policy: 'weighted', file: 'w', reload })

test('the directive takes a policy and its options', async () => {
  await checkDirectives(loadbalance, [
    ['loadbalance', rounds()],
    ['loadbalance round_robin', rounds()],
    ['loadbalance {\nprefer 10.0.0.0/8\nprefer fd00::/8 10.0.0.0/8\n}', rounds(TEN, FD, TEN)],
    ['loadbalance {\nprefer 10.0.0.0/8\n}\nloadbalance {\nprefer fd00::/8\n}', rounds(TEN, FD)],
    ['loadbalance weighted w', weighted(30_000)],
    ['loadbalance weighted w {\nreload 5m\n}', weighted(300_000)],
    ['loadbalance weighted w {\nreload 0\n}', weighted(0)],
    ['loadbalance weighted v\nloadbalance {\nprefer fd00::/8\n}', rounds(FD)],
    ['loadbalance {\nprefer 10.0.0.0/8\n}\nloadbalance weighted w\nloadbalance', rounds()],
    ['loadbalance random', '2:13 loadbalance/unknown-policy'],
    ['loadbalance round_robin x', '2:25 loadbalance/extra-words'],
    ['loadbalance {\nreload 5s\n}', '3:1 unknown-property'],
    ['loadbalance {\nprefer\n}', '3:1 wrong-argument-count'],
    ['loadbalance {\nprefer 10.0.0.1 nowhere\n}', '3:8 loadbalance/bad-prefer', '3:17 loadbalance/bad-prefer'],
    ['loadbalance weighted', '2:13 loadbalance/no-weight-file'],
    ['loadbalance weighted w x', '2:24 loadbalance/extra-argument'],
    ['loadbalance weighted w {\nreload\n}', '3:1 loadbalance/no-reload-value'],
    ['loadbalance weighted w {\nreload 1s 2s\n}', '3:11 loadbalance/extra-reload-value'],
    ['loadbalance weighted w {\nreload 30\n}', '3:8 loadbalance/bad-reload'],
    ['loadbalance weighted w {\nreload -1s\n}', '3:8 loadbalance/bad-reload'],
    ['loadbalance weighted w {\nprefer 10.0.0.0/8\n}', '3:1 unknown-property'],
  ])
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
