import assert from 'node:assert/strict'
import { test } from 'node:test'
import { composeChain } from '../plugin/chain.ts'
import type { Query } from '../plugin/query.ts'
import { toQuery } from '../testing/messages.ts'
import { RouteTable, type Target } from './route.ts'

/** Targets from `zone` or `zone view`; the chain's name is the whole text. A leading `!` has no handler. */
function tableOf(...texts: string[]): RouteTable {
  return new RouteTable(
    texts.map((text): Target => {
      const [zone = '', view = ''] = text.replace('!', '').split(' ')
      return {
        zone,
        view,
        ...(view && { passes: (query: Query) => query.client.address === view }),
        chain: text.startsWith('!')
          ? undefined
          : composeChain([{ plugin: text, handler: (query) => query.drop('', '') }]),
      }
    }),
  )
}

function ask(table: RouteTable, name: string, type = 'A', address = '10.0.0.1'): string {
  const query = toQuery(name, type, { client: { address, port: 1 }, zone: 'unset' })
  const plugin = table.find(query)?.plugin
  if (plugin === undefined) return 'refused'
  assert.equal(query.zone, plugin.split(' ')[0], 'the zone is noted')
  assert.equal(query.view, plugin.split(' ')[1] ?? '', 'the view is noted')
  return plugin
}

test('the longest zone serves, by labels and ignoring case', () => {
  const table = tableOf('.', 'org.', 'example.org.', 'a.b.example.org.')
  assert.equal(ask(table, 'example.org.'), 'example.org.')
  assert.equal(ask(table, 'WWW.Example.ORG.'), 'example.org.')
  assert.equal(ask(table, 'b.example.org.'), 'example.org.')
  assert.equal(ask(table, 'x.a.b.example.org.'), 'a.b.example.org.')
  assert.equal(ask(table, 'badexample.org.'), 'org.')
  assert.equal(ask(table, 'example.com.'), '.')
  assert.equal(ask(table, '.'), '.')
})

test('zones may be written in any case', () => {
  const table = new RouteTable([
    { zone: 'Example.ORG', view: '', chain: composeChain([{ plugin: 'x', handler: (query) => query.drop('', '') }]) },
  ])
  const query = toQuery('www.example.org.')
  assert.equal(table.find(query)?.plugin, 'x')
  assert.equal(query.zone, 'example.org.')
})

test('labels with dots in them are no boundaries', () => {
  assert.equal(ask(tableOf('example.org.', '.'), 'www\\.example.org.'), '.')
  assert.equal(ask(tableOf('b.', '.'), '\\001b.'), '.')
})

test('without a matching zone the query is refused', () => {
  assert.equal(ask(tableOf('example.org.'), 'example.com.'), 'refused')
  assert.equal(ask(tableOf('example.org.'), 'org.'), 'refused')
  assert.equal(ask(tableOf(), 'org.'), 'refused')
})

test('views are tried in order, then parent zones, then the root', () => {
  const table = tableOf('example.org. 10.0.0.1', 'example.org. 10.0.0.2', 'org. 10.0.0.3', '.')
  assert.equal(ask(table, 'example.org.', 'A', '10.0.0.1'), 'example.org. 10.0.0.1')
  assert.equal(ask(table, 'example.org.', 'A', '10.0.0.2'), 'example.org. 10.0.0.2')
  assert.equal(ask(table, 'example.org.', 'A', '10.0.0.3'), 'org. 10.0.0.3')
  assert.equal(ask(table, 'example.org.', 'A', '10.0.0.4'), '.')
  assert.equal(ask(tableOf('example.org. 10.0.0.1', 'example.org.'), 'example.org.', 'A', '10.0.0.9'), 'example.org.')
})

test('a block without a handler refuses at once, but for the root', () => {
  assert.equal(ask(tableOf('!example.org.', 'example.org.', '.'), 'example.org.'), 'refused')
  assert.equal(ask(tableOf('!example.org. 10.0.0.9', '.'), 'example.org.'), 'refused')
  assert.equal(ask(tableOf('!.'), 'example.org.'), 'refused')
  assert.equal(ask(tableOf('!. 10.0.0.9', '.'), 'example.org.'), '.')
})

test('DS goes to the shortest zone but the root', () => {
  assert.equal(ask(tableOf('.', 'org.', 'example.org.'), 'example.org.', 'DS'), 'org.')
  assert.equal(ask(tableOf('.', 'example.org.'), 'example.org.', 'DS'), 'example.org.')
  assert.equal(ask(tableOf('.', 'example.org.'), 'example.com.', 'DS'), '.')
  assert.equal(ask(tableOf('example.org. 10.0.0.1', 'example.org.'), 'example.org.', 'DS'), 'example.org.')
  assert.equal(ask(tableOf('org.', '!example.org.'), 'example.org.', 'DS'), 'refused')
})

test('a thousand zones', () => {
  const table = tableOf('.', ...Array.from({ length: 1000 }, (_, i) => `zone${i}.example.`))
  for (const i of [0, 7, 999]) assert.equal(ask(table, `a.b.zone${i}.example.`), `zone${i}.example.`)
  assert.equal(ask(table, 'zone1000.example.'), '.')
})

test('metadata of a query is collected before each view is tested', () => {
  const collected: string[] = []
  const chain = composeChain([{ plugin: 'x', handler: (query) => query.drop('', '') }])
  const target = (zone: string, view: string, good: boolean): Target => ({
    zone,
    view,
    collect: () => void collected.push(view),
    passes: () => collected.at(-1) === view && good,
    chain,
  })
  const table = new RouteTable([target('org.', 'a', false), target('org.', 'b', true), target('.', 'c', true)])
  const query = toQuery('www.example.org.')
  table.find(query)
  assert.deepEqual([query.view, collected], ['b', ['a', 'b']])
  table.find(toQuery('www.example.com.'))
  assert.deepEqual(collected, ['a', 'b', 'c'])
})
