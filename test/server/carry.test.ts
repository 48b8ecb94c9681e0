import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin, OPCODES, one, type Reply, text } from 'corelet/plugin'
import { startServer } from 'corelet/plugin/testing'

/** A plugin that counts its queries in carried state; it fails to start when it is told so. */
function makeCounting() {
  const events: string[] = []
  let made = 0
  const plugin = definePlugin({
    name: 'counting',
    summary: 'counts',
    directive: { args: [one(text('FINGERPRINT')), one(text('HOW'))] },
    parse: ([use]) => use!.values,
    start([fingerprint, how], context) {
      const state = context.carry(fingerprint, () => {
        const number = ++made
        events.push(`make ${number}`)
        return { queries: 0, release: () => void events.push(`release ${number}`) }
      })
      if (how === 'fails') throw new Error('no luck')
      return (query) => {
        if (query.opcode === OPCODES.QUERY) state.queries++
        return query.reply({ rcode: state.queries }, 'counting', 'counted')
      }
    },
  })
  return { events, plugins: [plugin] }
}

const block = (fingerprint: string, { how = 'works', key = '.' } = {}) =>
  `${key}:0 {\n  bind 127.0.0.1\n  counting ${fingerprint} ${how}\n}\n`

async function counting(first: string) {
  const { events, plugins } = makeCounting()
  const server = await startServer(first, { plugins })
  return { events, server, count: async (name = 'x.') => (await server.query(name, 'A')).rcode }
}

test('state goes on where plugin, keys and fingerprint are equal, and is released at the end', async () => {
  const { events, server, count } = await counting(block('a'))
  assert.equal(await count(), 1)
  assert.deepEqual(await server.reload(`${block('a')}# changed\n`), { ok: true })
  assert.equal(await count(), 2)
  assert.deepEqual(await server.reload(`${block('a')}${block('a', { key: 'b.test' })}`), { ok: true })
  assert.equal(await count('b.test.'), 1)
  assert.equal(await count(), 3)
  assert.deepEqual(events, ['make 1', 'make 2'])
  await server.stop()
  assert.deepEqual(events, ['make 1', 'make 2', 'release 1', 'release 2'])
})

test('another fingerprint or key starts anew; what nobody takes over is released when the old generation ends', async () => {
  const { events, server, count } = await counting(block('a'))
  await count()
  await server.reload(block('b'))
  assert.equal(await count(), 1)
  await server.reload(block('b', { key: 'test' }))
  assert.equal(await count('x.test.'), 1)
  await server.stop()
  assert.deepEqual(events.toSorted(), ['make 1', 'make 2', 'make 3', 'release 1', 'release 2', 'release 3'])
})

test('a generation that fails takes nothing away, and what it made is released', async () => {
  const { events, server, count } = await counting(block('a'))
  await count()
  for (const broken of [block('a', { how: 'fails' }), block('b', { how: 'fails' })]) {
    assert.equal((await server.reload(broken)).ok, false)
  }
  assert.equal(await count(), 2)
  assert.deepEqual(events, ['make 1', 'make 2', 'release 2'])
  await server.reload(`${block('a')}# changed\n`)
  assert.equal(await count(), 3)
  await server.stop()
  assert.deepEqual(events, ['make 1', 'make 2', 'release 2', 'release 1'])
})

/** An upstream that answers each query with the number of queries so far. */
function makeUpstream() {
  const gates: (() => void)[] = []
  let asked = 0
  const upstream = definePlugin({
    name: 'upstream',
    summary: 'answers',
    directive: { args: [] },
    start: () => (query) => {
      if (query.opcode === OPCODES.QUERY) asked++
      const reply = query.reply(
        { answers: [{ name: query.name, type: 'A', class: 'IN', ttl: 300, data: `192.0.2.${asked}` }] },
        'upstream',
        'answered',
      )
      if (!query.name.startsWith('slow')) return reply
      return new Promise<Reply>((resolve) => gates.push(() => resolve(reply)))
    },
  })
  return { gates, asked: () => asked, plugins: [upstream] }
}

test('a cache is not emptied by a reload, its metrics and the misses under way go on; other options start it anew', async () => {
  const { gates, asked, plugins } = makeUpstream()
  const corefile = (cache: string, more = '') => `.:0 {\n  bind 127.0.0.1\n  ${cache}\n  upstream\n${more}}\n`
  const server = await startServer(corefile('cache 100'), { plugins })
  const ask = async (name: string) => {
    const { data, ttl } = (await server.query(name, 'A')).answers[0]!
    return [data, (ttl ?? 0) > 90]
  }
  const entries = async () => /^coredns_cache_entries\{.*type="success".*\} (\d+)$/m.exec(await server.metrics())?.[1]
  assert.deepEqual(await ask('a.'), ['192.0.2.1', true])
  const late = ask('slow.')
  while (gates.length === 0) await new Promise(setImmediate)

  assert.deepEqual(await server.reload(corefile('cache 100', '  errors\n')), { ok: true })
  assert.equal(await entries(), '1')
  assert.deepEqual(await ask('a.'), ['192.0.2.1', true])
  gates[0]!()
  assert.deepEqual(await late, ['192.0.2.2', true])
  assert.deepEqual(await ask('slow.'), ['192.0.2.2', true])
  assert.equal(await entries(), '2')
  assert.equal(asked(), 2)

  assert.equal((await server.reload(corefile('cache 100', '  nonsense\n'))).ok, false)
  assert.deepEqual(await ask('a.'), ['192.0.2.1', true])
  assert.deepEqual(await server.reload(corefile('cache 200')), { ok: true })
  assert.equal(await entries(), '0')
  assert.deepEqual(await ask('a.'), ['192.0.2.3', true])
  await server.stop()
})

test('a cache is empty after a reload that tells the plugins behind it something else, not after one that moves their lines', async () => {
  const corefile = (address: string, gap = '') => `.:0 {
  bind 127.0.0.1
  cache
${gap}  hosts {
    ${address} a.test
  }
}
`
  const server = await startServer(corefile('192.0.2.1'))
  const ask = async () => (await server.query('a.test.', 'A')).answers[0]!.data
  const hits = async () => /^coredns_cache_hits_total\{.*type="success".*\} (\d+)$/m.exec(await server.metrics())?.[1]
  assert.equal(await ask(), '192.0.2.1')
  assert.deepEqual(await server.reload(corefile('192.0.2.1', '\n  errors\n')), { ok: true })
  assert.equal(await ask(), '192.0.2.1')
  assert.equal(await hits(), '1')
  assert.deepEqual(await server.reload(corefile('192.0.2.2')), { ok: true })
  assert.equal(await ask(), '192.0.2.2')
  await server.stop()
})
