import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDirectives, startPlugin, toQuery } from 'corelet/plugin/testing'
import whoami from './index.ts'

const V4 = { address: '192.0.2.53', port: 40_212 }
const V6 = { address: '2001:db8::53', port: 5353 }

test('the directive takes nothing', async () => {
  await checkDirectives(whoami, [
    ['whoami'],
    ['whoami {\n}'],
    ['whoami extra', '2:8 wrong-argument-count'],
    ['whoami {\n  x\n}', '2:1 unexpected-block'],
    ['whoami\nwhoami'],
  ])
})

test('any query is answered with the client in the additional section', async () => {
  const { askNow } = await startPlugin(whoami, 'whoami')
  const cases: [
    name: string,
    type: string,
    proto: 'udp' | 'tcp',
    client: typeof V4,
    additionals: [string, string, unknown][],
  ][] = [
    [
      'example.org.',
      'A',
      'udp',
      V4,
      [
        ['example.org.', 'A', '192.0.2.53'],
        ['_udp.example.org.', 'SRV', { priority: 0, weight: 0, port: 40_212, target: '.' }],
      ],
    ],
    [
      'example.org.',
      'TXT',
      'tcp',
      V6,
      [
        ['example.org.', 'AAAA', '2001:db8::53'],
        ['_tcp.example.org.', 'SRV', { priority: 0, weight: 0, port: 5353, target: '.' }],
      ],
    ],
    [
      '.',
      'NS',
      'udp',
      V4,
      [
        ['.', 'A', '192.0.2.53'],
        ['_udp.', 'SRV', { priority: 0, weight: 0, port: 40_212, target: '.' }],
      ],
    ],
    [
      'link.example.',
      'AAAA',
      'udp',
      { address: 'fe80::1%eth0', port: 1 },
      [
        ['link.example.', 'AAAA', 'fe80::1'],
        ['_udp.link.example.', 'SRV', { priority: 0, weight: 0, port: 1, target: '.' }],
      ],
    ],
  ]
  for (const [name, type, proto, client, expected] of cases) {
    const reply = askNow(toQuery(name, type, { proto, client }))
    assert.equal(reply.kind, 'answer')
    assert.equal(reply.rcode, 0)
    assert.ok(reply.flags & 0x0400, 'AA')
    assert.deepEqual([reply.answers, reply.authorities], [[], []])
    assert.deepEqual(
      reply.additionals.map((record) => [record.name, record.type, record.data]),
      expected,
      `${name} ${type}`,
    )
    for (const record of reply.additionals) assert.deepEqual([record.ttl, record.class], [0, 'IN'])
  }
})

test("names keep the question's case and records its class", async () => {
  const { askNow } = await startPlugin(whoami, 'whoami')
  const reply = askNow(toQuery('eXample.ORG.', 'A', { qclass: 3 }))
  assert.deepEqual(
    reply.additionals.map((record) => [record.name, record.class]),
    [
      ['eXample.ORG.', 'CH'],
      ['_udp.eXample.ORG.', 'CH'],
    ],
  )
})
test('the longest possible name leaves no room for the service label, and is answered all the same', async () => {
  const { askNow } = await startPlugin(whoami, 'whoami')
  const label = 'a'.repeat(63)
  const name = `${label}.${label}.${label}.${'a'.repeat(61)}.`
  const reply = askNow(toQuery(name, 'A'))
  assert.deepEqual(
    reply.additionals.map(({ name, type }) => [name, type]),
    [[name, 'A']],
  )
})
