import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import project from 'corelet/package.json' with { type: 'json' }
import { AA } from 'corelet/plugin'
import { answering, checkDirectives, readText, startPlugin, startServer, toQuery } from 'corelet/plugin/testing'
import chaos from './index.ts'

const CH = { qclass: 3 }

test('the directive takes a version and authors; only the first use is read', async () => {
  const version = `corelet-${project.version}`
  const authors = ['The corelet authors']
  const long = 'é'.repeat(200)
  await checkDirectives(chaos, [
    ['chaos', { version, authors }],
    ['chaos v1', { version: 'v1', authors }],
    ['chaos v1 "Ann Other" Bob "Ann Other"', { version: 'v1', authors: ['Ann Other', 'Bob'] }],
    [`chaos ${long} ${'a'.repeat(300)}`, { version: 'é'.repeat(127), authors: ['a'.repeat(255)] }],
    ['chaos v1\nchaos v2 {\n  x\n}', { version: 'v1', authors }],
    ['chaos v1 {\n  x\n}', '3:3 unknown-property'],
  ])
})

test('version, authors and host are told', async () => {
  const { askNow } = await startPlugin(chaos, 'chaos v1 Ann Bob')
  const cases: [name: string, told: string[]][] = [
    ['version.bind.', ['v1']],
    ['VERSION.server.', ['v1']],
    ['authors.bind.', ['Ann', 'Bob']],
    ['hostname.bind.', [hostname()]],
    ['id.server.', [hostname()]],
  ]
  for (const [name, told] of cases) {
    const reply = askNow(toQuery(name, 'TXT', CH))
    assert.deepEqual(reply.answers.map(({ data }) => String(data)).sort(), told)
    for (const record of reply.answers) {
      assert.deepEqual([record.name, record.type, record.class, record.ttl], [name, 'TXT', 'CH', 0])
    }
    assert.equal(reply.flags & AA, 0)
  }
})

test('authors come in any order', async () => {
  const { askNow } = await startPlugin(chaos, 'chaos v1 Ann Bob Cid')
  const firsts = new Set<string>()
  for (let i = 0; i < 200; i++) firsts.add(String(askNow(toQuery('authors.bind.', 'TXT', CH)).answers[0]!.data))
  assert.deepEqual([...firsts].sort(), ['Ann', 'Bob', 'Cid'])
})

test('as many authors as there may be fit into a message', async () => {
  const authors = Array.from({ length: 300 }, (_, i) => String(i).padStart(300, 'x'))
  const { options } = await readText(chaos, `chaos v1 ${authors.map((name) => name.slice(-255)).join(' ')}`)
  assert.equal(options[0]!.authors.length, 200)
  const { askNow } = await startPlugin(chaos, `chaos v1 ${authors.map((name) => name.slice(-255)).join(' ')}`)
  assert.equal(askNow(toQuery('authors.bind.', 'TXT', CH)).answers.length, 200)
})

test('other names, types and classes pass', async () => {
  const { askNow } = await startPlugin(chaos, 'chaos')
  const next = answering({})
  askNow(toQuery('version.example.', 'TXT', CH), next)
  askNow(toQuery('version.bind.', 'A', CH), next)
  askNow(toQuery('version.bind.', 'TXT'), next)
  assert.equal(next.asked.length, 3)
})

test('a listener with chaos takes other classes than IN', async () => {
  const server = await startServer('. {\nchaos v1\nwhoami\n}')
  try {
    const { answers } = await server.query('version.bind', 'TXT', { class: 'CH' })
    assert.deepEqual(answers[0]?.data, ['v1'])
    assert.equal((await server.query('version.bind', 'A', { class: 'HS' })).rcode, 0)
  } finally {
    await server.stop()
  }
})
