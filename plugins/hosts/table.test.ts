import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf, keyToText, ZoneList } from 'corelet/plugin'
import fc from 'fast-check'
import { HostsTable } from './table.ts'

function fill(lines: readonly string[], { zones = ['.'], reverse = true } = {}): HostsTable {
  const table = new HostsTable(new ZoneList(zones), reverse)
  for (const line of lines) table.add(line)
  return table
}

test('lines that are no entries leave nothing behind', () => {
  const lines = [
    '',
    '#',
    '   # 10.0.0.1 a',
    '10.0.0.1',
    '10.0.0.1 # a',
    '10.0.0 a',
    '10.0.0.01 a',
    '300.0.0.1 a',
    'a b',
    '::g a',
    '1.2.3.4 a..b',
    '\t \t',
  ]
  assert.equal(fill(lines).size, 0)
})

test('blanks of any kind and carriage returns separate words', () => {
  const table = fill(['\t10.0.0.1 \t a\tb\r', '10.0.0.2 c#d'])
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => table.find(keyOf(name))?.v4),
    [['10.0.0.1'], ['10.0.0.1'], ['10.0.0.2']],
  )
  assert.equal(table.size, 6)
})

test('an address is one address however it is written', () => {
  const table = fill(['2001:DB8:0:0::1 a', '2001:db8::0.0.0.1 a', '::ffff:192.0.2.1 a', '192.0.2.1 a'])
  assert.deepEqual(table.find(keyOf('a')), { v4: ['192.0.2.1'], v6: ['2001:db8::1'] })
})

test('names with unusual octets keep them', () => {
  const table = fill(['10.0.0.1 a\\.b.example __proto__ constructor ÄÖ.example'])
  assert.deepEqual(table.find(keyOf('A\\.B.example'))?.v4, ['10.0.0.1'])
  assert.deepEqual(table.find(keyOf('__proto__'))?.v4, ['10.0.0.1'])
  assert.equal(table.find(keyOf('tostring')), undefined)
  assert.equal(table.findNames(keyOf('1.0.0.10.in-addr.arpa')).length, 4)
})

test('zones and wildcards', () => {
  const table = fill(['10.0.0.1 a.example.org b.example.net *.example.org *'], { zones: ['example.org.'] })
  assert.deepEqual(table.findNames(keyOf('1.0.0.10.in-addr.arpa')).map(keyToText), ['a.example.org.'])
  assert.equal(table.size, 3)
  assert.equal(table.find(keyOf('b.example.net')), undefined)
  assert.ok(table.find(keyOf('x.example.org')))
  assert.equal(table.find(keyOf('example.org')), undefined)
  assert.equal(table.find(keyOf('.')), undefined)
})

test('any text is taken in without a throw', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (lines) => {
      fill(lines)
      fill(lines.map((line) => `10.0.0.1 ${line}`))
    }),
  )
})
