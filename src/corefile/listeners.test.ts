import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readKeys } from './keys.ts'
import { checkListeners, hasPreferredSyntax } from './listeners.ts'

/** `KEYS [on ADDRESSES] [view]` */
function block(text: string, line: number) {
  const [, keys = '', addresses, view] = /^(.*?)(?: on (.*?))?( view)?$/.exec(text)!
  const tokens = keys
    .split(' ')
    .map((word) => ({ text: word, position: { file: 'Corefile', line, column: 1, length: word.length, imports: [] } }))
  return { keys: readKeys(tokens, 53).keys, addresses: addresses?.split(' '), hasView: view !== undefined }
}

const CASES: [name: string, blocks: string[], messages: string[]][] = [
  ['different zones', ['a.org', 'b.org'], []],
  ['different ports', ['a.org', 'a.org:54'], []],
  ['different transports', ['a.org', 'tls://a.org:53'], []],
  ['different addresses', ['a.org on 127.0.0.1', 'a.org on 127.0.0.2'], []],
  ['bound and unbound, zones differ', ['a.org on 127.0.0.1', 'b.org'], []],
  [
    'the same zone twice',
    ['example.org', 'EXAMPLE.org.:53'],
    ['cannot serve dns://example.org.:53 - it is already defined'],
  ],
  ['twice in one block', ['a.org a.org'], ['cannot serve dns://a.org.:53 - it is already defined']],
  [
    'a network and its zone',
    ['10.0.0.0/15', '1.10.in-addr.arpa'],
    ['cannot serve dns://1.10.in-addr.arpa.:53 - it is already defined'],
  ],
  [
    'the same address',
    ['a.org on 127.0.0.1 ::1', 'a.org on ::1'],
    ['cannot serve dns://a.org.:53 on ::1 - it is already defined'],
  ],
  [
    'unbound, then bound',
    ['a.org', 'a.org on 127.0.0.1'],
    ['cannot serve dns://a.org.:53 on 127.0.0.1 - zone overlap listener capacity with dns://a.org.:53'],
  ],
  [
    'bound, then unbound',
    ['a.org on 127.0.0.1', 'a.org'],
    ['cannot serve dns://a.org.:53 - zone overlap listener capacity with dns://a.org.:53 on 127.0.0.1'],
  ],
  [
    'a view behind no view',
    ['a.org', 'a.org view'],
    ['no query for dns://a.org.:53 reaches this block: the one on line 1 of Corefile has no view and takes them all'],
  ],
  ['views side by side', ['a.org view', 'a.org view', 'b.org', 'a.org on 127.0.0.1 view'], []],
  ['a view before no view', ['a.org view', 'a.org'], []],
  [
    'a bound view beside an unbound block',
    ['a.org', 'a.org on 127.0.0.1 view'],
    ['cannot serve dns://a.org.:53 on 127.0.0.1 - zone overlap listener capacity with dns://a.org.:53'],
  ],
  ['a bound view before an unbound block', ['a.org on 127.0.0.1 view', 'a.org'], []],
]
for (const [name, blocks, messages] of CASES) {
  test(`listeners: ${name}`, () => {
    const diagnostics = checkListeners(blocks.map((text, index) => block(text, index + 1)))
    assert.deepEqual(
      diagnostics.map(({ message }) => message),
      messages,
    )
    for (const { line } of diagnostics) assert.equal(line, blocks.length)
  })
}

test('a view that is never reached is a warning, each of them', () => {
  const found = checkListeners(['a.org', 'a.org view', 'a.org view'].map((text, index) => block(text, index + 1)))
  assert.deepEqual(
    found.map(({ severity, line }) => [severity, line]),
    [
      ['warning', 2],
      ['warning', 3],
    ],
  )
})

test('all clashes are reported', () => {
  assert.equal(checkListeners(['a.org', 'a.org', 'a.org'].map((text, index) => block(text, index + 1))).length, 2)
})

test('the syntax that RFC 1035 prefers', () => {
  for (const zone of ['.', 'example.org.', 'a-1.b.', '10.in-addr.arpa.', '0.8.b.d.0.1.0.0.2.ip6.arpa.', 'ip6.arpa.'])
    assert.ok(hasPreferredSyntax(zone), zone)
  for (const zone of ['1a.org.', '_tcp.org.', 'a_b.org.', 'a-.org.', '-a.', '}.', 'xip6.arpa.1.'])
    assert.ok(!hasPreferredSyntax(zone), zone)
})
