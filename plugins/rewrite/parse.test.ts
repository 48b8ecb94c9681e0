import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDirectives, type DirectiveCase, readText } from 'corelet/plugin/testing'
import rewrite from './index.ts'

const bad: DirectiveCase[] = [
  ['', '2:1 rewrite/no-rule-type'],
  ['stop', '2:9 rewrite/mode-alone'],
  ['continue', '2:9 rewrite/mode-alone'],
  ['{\n}', '2:1 rewrite/no-rule-type'],
  ['nom a b', '2:9 rewrite/invalid-rule-type'],
  ['stop nom a b', '2:14 rewrite/invalid-rule-type'],
  ['answer name a b', '2:9 rewrite/answer-first'],
  ['name', '2:9 rewrite/too-few-arguments'],
  ['name like a b', '2:14 rewrite/unknown-match'],
  ['name exact a b c', '2:24 rewrite/exact-arguments'],
  ['name prefix a b c d', '2:25 rewrite/not-answer'],
  ['name prefix a b answer', '2:25 rewrite/exact-arguments'],
  ['name prefix a b answer name c d answer', '2:41 rewrite/answer-type-missing'],
  ['name prefix a b answer name c', '2:37 rewrite/answer-arguments'],
  ['name prefix a b answer owner c d', '2:32 rewrite/answer-type'],
  ['name prefix a b answer auto name c d', '2:32 rewrite/answer-auto'],
  ['name regex ( b', '2:20 rewrite/invalid-pattern'],
  [`name regex ${'a'.repeat(10_001)} b`, '2:20 rewrite/invalid-pattern'],
  ['name regex (a) {0}.{1}', '2:24 rewrite/too-many-groups'],
  ['name regex a {0}', '2:22 rewrite/too-many-groups'],
  ['name prefix a b answer name (c) {1}{2}', '2:41 rewrite/too-many-groups'],
  ['name a..b c', '2:14 rewrite/bad-name'],
  ['type A', '2:14 rewrite/wrong-number'],
  ['type A AAAA MX', '2:21 rewrite/wrong-number'],
  ['type A NOPE', '2:16 rewrite/invalid-type'],
  ['class IN NOPE', '2:18 rewrite/invalid-type'],
  ['ttl', '2:9 rewrite/too-few-arguments'],
  ['ttl a', '2:9 rewrite/too-few-arguments'],
  ['ttl exact a 1 2', '2:23 rewrite/too-many-arguments'],
  ['ttl like a 1', '2:13 rewrite/unknown-match'],
  ['ttl a -', '2:15 rewrite/invalid-ttl'],
  ['ttl a 5-1', '2:15 rewrite/invalid-ttl'],
  ['ttl a x', '2:15 rewrite/invalid-ttl'],
  ['ttl a 4294967296', '2:15 rewrite/invalid-ttl'],
  ['rcode a NXDOMAIN', '2:9 rewrite/too-few-arguments'],
  ['rcode a NOPE SERVFAIL', '2:17 rewrite/invalid-rcode'],
  ['rcode a NXDOMAIN 24', '2:26 rewrite/invalid-rcode'],
  ['cname a', '2:15 rewrite/cname-arguments'],
  ['cname exact a b c', '2:25 rewrite/cname-arguments'],
  ['cname like a b', '2:15 rewrite/unknown-match'],
  ['edns0', '2:9 rewrite/too-few-arguments'],
  ['edns0 local', '2:15 rewrite/too-few-arguments'],
  ['edns0 cookie set', '2:15 rewrite/invalid-rule-type'],
  ['edns0 local put 1 a', '2:21 rewrite/invalid-action'],
  ['edns0 local set 1', '2:25 rewrite/local-arguments'],
  ['edns0 local set 1 a revert b', '2:36 rewrite/local-arguments'],
  ['edns0 local set 1 a undo', '2:29 rewrite/not-revert'],
  ['edns0 local unset', '2:21 rewrite/unset-arguments'],
  ['edns0 local unset 1 revert', '2:29 rewrite/unset-arguments'],
  ['edns0 local set x a', '2:25 rewrite/invalid-code'],
  ['edns0 local set 65536 a', '2:25 rewrite/invalid-code'],
  ['edns0 local set 1 0xabc', '2:27 rewrite/invalid-data'],
  ['edns0 local set 1 {nope}', '2:27 rewrite/unknown-variable'],
  ['edns0 nsid set a b', '2:26 rewrite/nsid-arguments'],
  ['edns0 nsid unset revert', '2:26 rewrite/unset-arguments'],
  ['edns0 subnet set 24', '2:26 rewrite/subnet-arguments'],
  ['edns0 subnet set 33 56', '2:26 rewrite/invalid-mask'],
  ['edns0 subnet set 24 129', '2:29 rewrite/invalid-mask'],
  ['edns0 subnet unset 24', '2:28 rewrite/unset-arguments'],
  ['name a b {\nanswer auto\n}', '2:16 rewrite/block-behind-rule'],
]

test('mistakes are found where they are', async () => {
  await checkDirectives(
    rewrite,
    bad.map(([rule, ...findings]) => [`rewrite ${rule}`, ...findings]),
  )
})

test('all rules of a block are read, and all mistakes told', async () => {
  const { diagnostics } = await readText(rewrite, 'rewrite nom a b\nrewrite name a b\nrewrite type A')
  assert.deepEqual(
    diagnostics.map(({ line }) => line),
    [2, 4],
  )
})
