import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { definePlugin, type Query } from 'corelet/plugin'
import { answering, readText, startPlugin, startServer, toQuery } from 'corelet/plugin/testing'
import metadata from './index.ts'

test('the directive takes zones, once', async () => {
  const cases: [text: string, codes: [code: string, line: number, column: number][], zones?: string[]][] = [
    ['metadata', [], ['example.org.', 'example.net.']],
    ['metadata Example.com 10.0.0.0/8', [], ['example.com.', '10.in-addr.arpa.']],
    ['metadata a..b', [['bad-zone', 2, 10]]],
    ['metadata {\n  x\n}', [['unexpected-block', 2, 1]]],
    ['metadata\nmetadata example.com', [['wrong-argument-count', 3, 1]]],
  ]
  for (const [text, codes, zones] of cases) {
    const { options, diagnostics } = await readText(metadata, text, ['example.org.', 'example.net.'])
    assert.deepEqual(
      diagnostics.map(({ code, line, column }) => [code, line, column]),
      codes,
      text,
    )
    assert.deepEqual(
      options.map((each) => each.zones),
      zones ? [zones] : [],
    )
  }
})

test('queries pass without a promise', async () => {
  const { askNow, settings } = await startPlugin(metadata, 'metadata example.org')
  const next = answering({})
  const query = toQuery('example.org.')
  assert.equal(askNow(query, next).reason, 'fixed answer')
  assert.deepEqual([next.asked, settings.metadata], [[query], ['example.org.']])
})

describe('in a server', () => {
  /** A plugin that publishes `NAME/seen`, and `NAME/label`, which says what it reads of others. */
  const teller = (name: string, reads: string) =>
    definePlugin({
      name,
      summary: 'publishes metadata',
      directive: { args: [] },
      start: () => ({
        metadata(query: Query) {
          query.setMetadata(`${name}/seen`, () => name)
          const known = query.metadata(reads)
          query.setMetadata(`${name}/label`, () => `${known} before ${name}`)
        },
        handler: (query: Query, next) => next(query),
      }),
    })
  const plugins = [teller('one', 'two/seen'), teller('two', 'one/seen')]
  const lineOf = async (corefile: string, name: string) => {
    const server = await startServer(corefile, { plugins })
    try {
      await server.query(name, 'A')
      return (await server.logged(/seen:/)).replace(/^\[INFO\] /, '')
    } finally {
      await server.stop()
    }
  }
  const format = '"seen: {/one/seen} {/two/label} {/one/label} {/log/class} {/bad}"'

  test('plugins are asked in their order, before the chain, and log shows the labels', async () => {
    const line = await lineOf(`. {\nmetadata\nlog . ${format}\ntwo\none\nwhoami\n}`, 'www.example.org.')
    assert.equal(line, 'seen: one one before two undefined before one success -')
  })

  test('other names and blocks without it have none', async () => {
    const empty = 'seen: - - - - -'
    assert.equal(await lineOf(`. {\nmetadata example.com\nlog . ${format}\none\nwhoami\n}`, 'www.example.org.'), empty)
    assert.equal(await lineOf(`. {\nlog . ${format}\none\ntwo\nwhoami\n}`, 'www.example.org.'), empty)
  })
})
