import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answering, checkDirectives, startPlugin, startServer, toQuery } from 'corelet/plugin/testing'
import bufsize from './index.ts'

test('the size is 512 to 4096 octets; only the first use is read', async () => {
  await checkDirectives(bufsize, [
    ['bufsize', { size: 1232 }],
    ['bufsize 512', { size: 512 }],
    ['bufsize 4096', { size: 4096 }],
    ['bufsize 1000\nbufsize 2000\nbufsize nonsense', { size: 1000 }],
    ['bufsize 511', '2:9 bufsize/bad-size'],
    ['bufsize 4097', '2:9 bufsize/bad-size'],
    ['bufsize -1', '2:9 bufsize/bad-size'],
    ['bufsize many', '2:9 bufsize/bad-size'],
    ['bufsize 512 512', '2:13 wrong-argument-count'],
    ['bufsize {\n  x\n}', '2:1 unexpected-block'],
  ])
})

test('a larger size becomes the one told, a smaller one stays, and no EDNS is added', async () => {
  const { askNow } = await startPlugin(bufsize, 'bufsize 1024')
  const next = answering({})
  const cases: [udpSize: number, asked: number][] = [
    [4096, 1024],
    [1025, 1024],
    [1024, 1024],
    [512, 512],
    [0, 0],
  ]
  for (const [udpSize, expected] of cases) {
    const query = toQuery('example.org.', 'A', { udpSize })
    askNow(query, next)
    const asked = next.asked.at(-1)!
    assert.deepEqual([asked.udpSize, asked.edns, query.udpSize], [expected, udpSize > 0, udpSize])
    assert.equal(asked === query, udpSize === expected, 'a query that fits is passed as it is')
  }
})

test('flags and options of the query are kept', async () => {
  const { askNow } = await startPlugin(bufsize, 'bufsize 1024')
  const next = answering({})
  const options = [{ code: 3, data: new Uint8Array() }]
  askNow(toQuery('example.org.').with({ edns: { udpSize: 4096, flags: 0x8000, options } }), next)
  const [asked] = next.asked
  assert.deepEqual([asked!.dnssecOk, asked!.options], [true, options])
})

test('answers are cut there, below and above the default, and their OPT repeats the size', async () => {
  const hosts = Array.from({ length: 200 }, (_, i) => `192.0.2.${i + 1} many.example`).join('\n')
  for (const [size, octets] of [
    [600, 600],
    [3000, 3000],
  ] as const) {
    const server = await startServer(`. {\nbufsize ${size}\nhosts /dev/null {\n${hosts}\n}\n}`)
    try {
      const reply = await server.query('many.example', 'A', { udpSize: 4096 })
      assert.equal(reply.opt?.udpSize, size)
      const room = Math.floor((octets - 12 - 18 - 11) / 16)
      assert.equal(reply.answers.length, Math.min(room, 200))
      const tcp = await server.query('many.example', 'A', { udpSize: 4096, proto: 'tcp' })
      assert.deepEqual([tcp.answers.length, tcp.opt?.udpSize], [200, size])
    } finally {
      await server.stop()
    }
  }
})
