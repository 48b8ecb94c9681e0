import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readText } from 'corelet/plugin/testing'
import rewrite from './index.ts'

const bad: [rule: string, code: string, column?: number][] = [
  ['', 'no-rule-type', 1],
  ['stop', 'mode-alone', 9],
  ['continue', 'mode-alone'],
  ['{\n}', 'no-rule-type'],
  ['nom a b', 'invalid-rule-type', 9],
  ['stop nom a b', 'invalid-rule-type', 14],
  ['answer name a b', 'answer-first'],
  ['name', 'too-few-arguments'],
  ['name like a b', 'unknown-match', 14],
  ['name exact a b c', 'exact-arguments', 24],
  ['name prefix a b c d', 'not-answer', 25],
  ['name prefix a b answer', 'exact-arguments'],
  ['name prefix a b answer name c d answer', 'answer-type-missing', 41],
  ['name prefix a b answer name c', 'answer-arguments'],
  ['name prefix a b answer owner c d', 'answer-type', 32],
  ['name prefix a b answer auto name c d', 'answer-auto', 32],
  ['name regex ( b', 'invalid-pattern', 20],
  [`name regex ${'a'.repeat(10_001)} b`, 'invalid-pattern'],
  ['name regex (a) {0}.{1}', 'too-many-groups', 24],
  ['name regex a {0}', 'too-many-groups'],
  ['name prefix a b answer name (c) {1}{2}', 'too-many-groups'],
  ['name a..b c', 'bad-name', 14],
  ['type A', 'wrong-number'],
  ['type A AAAA MX', 'wrong-number'],
  ['type A NOPE', 'invalid-type', 16],
  ['class IN NOPE', 'invalid-type'],
  ['ttl', 'too-few-arguments'],
  ['ttl a', 'too-few-arguments'],
  ['ttl exact a 1 2', 'too-many-arguments'],
  ['ttl like a 1', 'unknown-match'],
  ['ttl a -', 'invalid-ttl'],
  ['ttl a 5-1', 'invalid-ttl'],
  ['ttl a x', 'invalid-ttl'],
  ['ttl a 4294967296', 'invalid-ttl'],
  ['rcode a NXDOMAIN', 'too-few-arguments'],
  ['rcode a NOPE SERVFAIL', 'invalid-rcode', 17],
  ['rcode a NXDOMAIN 24', 'invalid-rcode'],
  ['cname a', 'cname-arguments'],
  ['cname exact a b c', 'cname-arguments'],
  ['cname like a b', 'unknown-match'],
  ['edns0', 'too-few-arguments'],
  ['edns0 local', 'too-few-arguments'],
  ['edns0 cookie set', 'invalid-rule-type'],
  ['edns0 local put 1 a', 'invalid-action'],
  ['edns0 local set 1', 'local-arguments'],
  ['edns0 local set 1 a revert b', 'local-arguments'],
  ['edns0 local set 1 a undo', 'not-revert'],
  ['edns0 local unset', 'unset-arguments'],
  ['edns0 local unset 1 revert', 'unset-arguments'],
  ['edns0 local set x a', 'invalid-code'],
  ['edns0 local set 65536 a', 'invalid-code'],
  ['edns0 local set 1 0xabc', 'invalid-data'],
  ['edns0 local set 1 {nope}', 'unknown-variable'],
  ['edns0 nsid set a b', 'nsid-arguments'],
  ['edns0 nsid unset revert', 'unset-arguments'],
  ['edns0 subnet set 24', 'subnet-arguments'],
  ['edns0 subnet set 33 56', 'invalid-mask'],
  ['edns0 subnet set 24 129', 'invalid-mask'],
  ['edns0 subnet unset 24', 'unset-arguments'],
  ['name a b {\nanswer auto\n}', 'block-behind-rule'],
]

for (const [rule, code, column] of bad) {
  test(`reports ${code} for ${rule.slice(0, 50).replaceAll('\n', ' ')}`, async () => {
    const { diagnostics, options } = await readText(rewrite, `rewrite ${rule}`)
    assert.deepEqual([diagnostics.map((each) => each.code), options], [[`rewrite/${code}`], []])
    if (column !== undefined) assert.equal(diagnostics[0]!.column, column)
  })
}

test('all rules of a block are read, and all mistakes told', async () => {
  const { diagnostics } = await readText(rewrite, 'rewrite nom a b\nrewrite name a b\nrewrite type A')
  assert.deepEqual(
    diagnostics.map(({ line }) => line),
    [2, 4],
  )
})
