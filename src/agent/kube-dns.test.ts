import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AGENT_CODES } from './agent-codes.ts'
import { parseKubeDns } from './kube-dns.ts'

const parse = (keys: Record<string, string>) => parseKubeDns(new Map(Object.entries(keys)), '/etc/kube-dns')

test('without keys nothing is changed', () => {
  assert.deepEqual(parse({}), { config: { stubDomains: [], upstreamNameservers: [] }, diagnostics: [] })
  assert.deepEqual(parse({ stubDomains: '  \n', upstreamNameservers: '' }).diagnostics, [])
})

test('stub domains are sorted, so that their order in the ConfigMap changes no Corefile', () => {
  const { config, diagnostics } = parse({
    stubDomains:
      '{"b.example.org": ["192.0.2.2", "192.0.2.3:5353"], "a.example.org": ["2001:db8::1", "[2001:db8::1]:53"]}',
    upstreamNameservers: '["192.0.2.1"]',
  })
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(config, {
    stubDomains: [
      ['a.example.org', ['2001:db8::1', '[2001:db8::1]:53']],
      ['b.example.org', ['192.0.2.2', '192.0.2.3:5353']],
    ],
    upstreamNameservers: ['192.0.2.1'],
  })
})

const BAD: [key: string, value: string, code: keyof typeof AGENT_CODES, line: number, column: number][] = [
  ['stubDomains', '["192.0.2.1"]', 'bad-shape', 1, 1],
  ['stubDomains', 'null', 'bad-shape', 1, 1],
  ['stubDomains', '{\n  "a.example": []\n}', 'bad-shape', 2, 4],
  ['stubDomains', '{"a.example": [1]}', 'bad-shape', 1, 3],
  ['stubDomains', '{"-a.example": ["192.0.2.1"]}', 'bad-stub-domain', 1, 3],
  [`stubDomains`, `{"${'a.'.repeat(126)}aa": ["192.0.2.1"]}`, 'bad-stub-domain', 1, 3],
  ['stubDomains', '{"a.example": ["192.0.2.1:0"]}', 'bad-nameserver', 1, 17],
  ['stubDomains', '{"a.example": ["tls://192.0.2.1"]}', 'bad-nameserver', 1, 17],
  ['stubDomains', '{"a.example":\n  ["192.0.2.256"]}', 'bad-nameserver', 2, 5],
  ['upstreamNameservers', '{}', 'bad-shape', 1, 1],
  ['upstreamNameservers', '["fe80::1%eth0"]', 'bad-nameserver', 1, 3],
  ['upstreamNameservers', '["2001:db8::1:70000"]', 'bad-nameserver', 1, 3],
  ['upstreamNameservers', '["192.0.2.1:65536"]', 'bad-nameserver', 1, 3],
  ['federations', 'name=', 'bad-federation', 1, 1],
  ['federations', 'a=b.example, x=y=z', 'bad-federation', 1, 14],
]

for (const [key, value, code, line, column] of BAD) {
  test(`${key} ${value.slice(0, 40)} is ${code}`, () => {
    const { diagnostics } = parse({ [key]: value })
    assert.deepEqual(
      diagnostics.map((each) => [each.file, each.code, each.line, each.column]),
      [[`/etc/kube-dns/${key}`, code, line, column]],
    )
  })
}

test('text that is no JSON is shown where it stops being it', () => {
  const [found] = parse({ stubDomains: '{\n  "a.example": ["192.0.2.1"],\n}' }).diagnostics
  assert.deepEqual([found?.code, found?.line], ['bad-json', 3])
  const [cut] = parse({ upstreamNameservers: '["192.0.2.1"' }).diagnostics
  assert.deepEqual([cut?.code, cut?.line, cut?.column], ['bad-json', 1, 13])
})

test('federations that kube-dns took are taken', () => {
  assert.deepEqual(parse({ federations: 'a=b.example, c=d.example.' }).diagnostics, [])
})

for (const [code, { key, example }] of Object.entries(AGENT_CODES)) {
  if (key === 'Corefile.base') continue
  test(`the example of ${code} produces it`, () => {
    const { diagnostics } = parse({ [key]: example })
    assert.deepEqual(
      diagnostics.map((each) => each.code),
      [code],
    )
  })
}
