import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AA, RA, RCODES, RD } from 'corelet/plugin'
import {
  answering,
  checkDirectives,
  type DirectiveCase,
  readText,
  startPlugin,
  startServer,
  toQuery,
  toReply,
} from 'corelet/plugin/testing'
import header from './index.ts'

test('the directive takes rules', async () => {
  const cases: DirectiveCase[] = [
    ['response set ra'],
    ['query clear rd'],
    ['RESPONSE Set AA ra RD\nquery clear aa'],
    ['set ra', '3:1 header/bad-selector'],
    ['response', '3:1 header/no-action'],
    ['response set', '3:10 header/no-flags'],
    ['query flip rd', '3:7 header/bad-action'],
    ['response clear tc rd xx\nquery set ad', '3:16 header/bad-flag', '3:22 header/bad-flag', '4:11 header/bad-flag'],
    ['', '2:1 wrong-argument-count'],
  ]
  const inBlock = cases.map(([lines, ...expected]): DirectiveCase => [`header {\n${lines}\n}`, ...expected])
  await checkDirectives(header, inBlock)
  const { diagnostics } = await readText(header, 'header')
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['wrong-argument-count'],
  )
})

const MASK = AA | RA | RD

async function flagsOf(text: string, flags: number): Promise<{ asked: number; answered: number }> {
  const { askNow } = await startPlugin(header, text)
  let asked = 0
  const reply = askNow(toQuery('example.org.'), (query) => {
    asked = query.flags & MASK
    const made = toReply(query, {})
    return made.copy({ flags: (made.flags & ~MASK) | flags })
  })
  return { asked, answered: reply.flags & MASK }
}

test('rules change the flags of answers and of queries, in their order', async () => {
  const cases: [rules: string, flags: number, asked: number, answered: number][] = [
    ['response set aa', 0, RD, AA],
    ['response set ra rd', AA, RD, MASK],
    ['response clear aa', AA | RA, RD, RA],
    ['response clear ra\nresponse set ra', 0, RD, RA],
    ['response set ra\nresponse clear ra', 0, RD, 0],
    ['query clear rd', RA, 0, RA],
    ['query set aa ra', 0, MASK, 0],
    ['query clear rd\nresponse set rd', 0, 0, RD],
  ]
  for (const [rules, flags, asked, answered] of cases) {
    assert.deepEqual(await flagsOf(`header {\n${rules}\n}`, flags), { asked, answered }, rules)
  }
})

test('the first directive with a rule counts', async () => {
  const text = 'header\nheader {\nresponse set ra\n}\nheader {\nresponse set aa\n}'
  assert.deepEqual(await flagsOf(text, 0), { asked: RD, answered: RA })
})

test('a query that is as it should be is passed on, failures are left to the server', async () => {
  const { askNow } = await startPlugin(header, 'header {\nquery set rd\nresponse set ra\n}')
  const next = answering({})
  const query = toQuery('example.org.')
  askNow(query, next)
  assert.equal(next.asked[0], query)
  const failure = query.fail(RCODES.SERVFAIL, 'test', undefined)
  assert.equal(
    askNow(query, () => failure),
    failure,
  )
})

test('behind a cache it sees misses only: RA stays in what is cached, AA is the cache’s, RD always the client’s', async () => {
  await using server = await startServer(`. {
    cache
    header {
      response set ra
      response clear aa rd
    }
    template IN A {
      answer "{{ .Name }} 60 IN A 192.0.2.1"
    }
  }`)
  const flags = async () => {
    const { flags: all } = await server.query('example.org.', 'A')
    return all & MASK
  }
  assert.equal(await flags(), RA | RD)
  assert.equal(await flags(), MASK)
})
