import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TYPES } from '../dns/constants.ts'
import { toQuery, toReply } from '../testing/messages.ts'
import { lookUp } from './lookup.ts'
import type { Query } from './query.ts'

test('another question is asked for the same client, with its EDNS and metadata', () => {
  const query = toQuery('a.example.', 'AAAA', { dnssecOk: true, qclass: 3, proto: 'tcp' })
  query.setMetadata('test/x', () => 'x')
  query.mayWait = false
  let asked: Query | undefined
  const ask = (each: Query) => {
    asked = each
    return toReply(each, {})
  }
  lookUp({ ask }, query, { name: 'b.example.', qtype: TYPES.A })
  const { name, type, dnssecOk, proto, client, mayWait } = asked!
  assert.deepEqual([name, type, asked!.class, dnssecOk, proto, mayWait], ['b.example.', 'A', 'IN', true, 'tcp', false])
  assert.deepEqual([client.address, asked!.metadata('test/x')], [query.client.address, 'x'])
  assert.equal(asked!.origin, asked, 'the reply is to its own question')
  lookUp({ ask }, query, { qtype: TYPES.A })
  assert.equal(asked!.name, 'a.example.')
})
