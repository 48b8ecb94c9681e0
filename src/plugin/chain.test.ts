import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toQuery } from '../testing/messages.ts'
import { composeChain, type Handler } from './chain.ts'

const pass: Handler = (query, next) => next(query)
const query = toQuery('example.org.', 'A')

test('a chain asks its links in order, and each knows whom it would ask', async () => {
  const asked: [string, string | undefined][] = []
  const note =
    (name: string): Handler =>
    (query, next) => {
      asked.push([name, next.plugin])
      return next(query)
    }
  const reply = await composeChain([
    { plugin: 'a', handler: note('a') },
    { plugin: 'b', handler: note('b') },
    { plugin: 'c', handler: (query) => query.reply({}, 'c', 'here') },
  ])(query)
  assert.deepEqual(asked, [
    ['a', 'b'],
    ['b', 'c'],
  ])
  assert.equal(reply.plugin, 'c')
})

test('behind the last link waits SERVFAIL', async () => {
  const reply = await composeChain([{ plugin: 'errors', handler: pass }])(query)
  assert.deepEqual([reply.kind, reply.rcode, reply.error], ['failure', 2, 'plugin/errors: no next plugin found'])
})

test('a handler that returns no Reply fails by its own name', () => {
  for (const nothing of [undefined, null, 42, {}, [], { kind: 'answer' }]) {
    const chain = composeChain([
      { plugin: 'errors', handler: pass },
      { plugin: 'mine', handler: () => nothing as never },
    ])
    assert.throws(() => chain(query), { message: 'plugin/mine: the handler returned no Reply' })
  }
})
