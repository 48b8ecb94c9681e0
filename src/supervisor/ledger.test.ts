import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ledger } from './ledger.ts'

const counter = (values: Record<string, number>) => ({
  name: 'coredns_x_total',
  type: 'counter',
  aggregator: 'sum',
  values: Object.entries(values).map(([type, value]) => ({ labels: { type, server: 's' }, value })),
})
const gauge = { name: 'coredns_y', type: 'gauge', values: [{ labels: {}, value: 5 }] }
const histogram = (value: number) => ({
  name: 'coredns_z_seconds',
  type: 'histogram',
  values: [
    { metricName: 'coredns_z_seconds_sum', labels: {}, value },
    { metricName: 'coredns_z_seconds_count', labels: {}, value: 1 },
  ],
})

test('what workers had counted when they were asked last stays, summed', () => {
  const ledger = new Ledger()
  const [one, two, living] = [{}, {}, {}]
  ledger.note(one, [counter({ A: 1 }), gauge])
  ledger.note(one, [counter({ A: 3, MX: 1 }), gauge, histogram(0.5)])
  ledger.note(two, [counter({ AAAA: 2, A: 4 }), histogram(0.25)])
  ledger.note(living, [counter({ A: 100 })])
  assert.deepEqual(ledger.families, [])
  ledger.close(one)
  ledger.close(two)
  ledger.close(two)
  assert.deepEqual(ledger.families, [
    counter({ A: 7, MX: 1, AAAA: 2 }),
    {
      ...histogram(0),
      values: [
        { metricName: 'coredns_z_seconds_sum', labels: {}, value: 0.75 },
        { metricName: 'coredns_z_seconds_count', labels: {}, value: 2 },
      ],
    },
  ])
})

test('a worker that was never asked leaves nothing', () => {
  const ledger = new Ledger()
  ledger.close({})
  assert.deepEqual(ledger.families, [])
})
