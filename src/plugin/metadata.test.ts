import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TYPES } from '../dns/constants.ts'
import { toQuery } from '../testing/messages.ts'

test('values are made when they are read, and later ones replace earlier ones', () => {
  const query = toQuery('example.org.')
  let made = 0
  query.setMetadata('test/count', () => String(++made))
  assert.equal(made, 0)
  assert.deepEqual([query.metadata('test/count'), query.metadata('test/count')], ['1', '2'])
  query.setMetadata('test/count', () => 'other')
  assert.equal(query.metadata('test/count'), 'other')
  assert.equal(query.metadata('test/none'), undefined)
})

test('a label has two parts, neither of them empty', () => {
  const query = toQuery('example.org.')
  for (const label of ['', '/', 'name', '/name', 'plugin/']) {
    query.setMetadata(label, () => 'x')
    assert.equal(query.metadata(label), undefined, label)
  }
  query.setMetadata('plugin/client-label/app', () => 'x')
  assert.equal(query.metadata('plugin/client-label/app'), 'x')
})

test('without collecting there is none', () => {
  const query = toQuery('example.org.', 'A', { metadata: false })
  query.setMetadata('test/x', () => 'x')
  assert.deepEqual([query.collectsMetadata, query.metadata('test/x')], [false, undefined])
  assert.equal(query.over('tcp').collectsMetadata, false)
  query.collectMetadata()
  query.setMetadata('test/x', () => 'x')
  query.collectMetadata()
  assert.equal(query.metadata('test/x'), undefined, 'begun anew')
})

test('derived queries share it, one over another protocol has a copy', () => {
  const query = toQuery('example.org.')
  query.setMetadata('test/x', () => 'x')
  const derived = query.with({ qtype: TYPES.AAAA })
  derived.setMetadata('test/y', () => 'y')
  assert.deepEqual([derived.metadata('test/x'), query.metadata('test/y')], ['x', 'y'])
  const other = query.over('tcp')
  other.setMetadata('test/x', () => 'other')
  assert.deepEqual([other.metadata('test/y'), other.metadata('test/x'), query.metadata('test/x')], ['y', 'other', 'x'])
})
