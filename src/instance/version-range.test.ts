import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isInRange } from './version-range.ts'

const CASES: [range: string, inside: string[], outside: string[]][] = [
  ['*', ['0.0.0', '9.9.9'], []],
  ['', ['0.1.0'], []],
  ['0.1.0', ['0.1.0', '0.1.0-rc.1'], ['0.1.1']],
  ['=1.2', ['1.2.0', '1.2.9'], ['1.3.0', '1.1.9']],
  ['1.x', ['1.0.0', '1.9.9'], ['0.9.9', '2.0.0']],
  ['^0.1.0', ['0.1.0', '0.1.7'], ['0.2.0', '0.0.9', '1.0.0']],
  ['^0.0.3', ['0.0.3'], ['0.0.4']],
  ['^0', ['0.9.0'], ['1.0.0']],
  ['^1.2.3', ['1.2.3', '1.9.0'], ['1.2.2', '2.0.0']],
  ['~1.2.3', ['1.2.3', '1.2.9'], ['1.3.0']],
  ['~1', ['1.9.0'], ['2.0.0']],
  ['>=0.1 <1', ['0.1.0', '0.9.9'], ['0.0.9', '1.0.0']],
  ['>= 0.2.0', ['0.2.0', '3.0.0'], ['0.1.9']],
  ['>0.1', ['0.2.0'], ['0.1.5']],
  ['>0.1.0', ['0.1.1'], ['0.1.0']],
  ['<=0.1', ['0.1.9'], ['0.2.0']],
  ['>*', [], ['1.0.0']],
  ['1.2 - 1.4', ['1.2.0', '1.4.9'], ['1.5.0', '1.1.0']],
  ['^0.1 || ^1', ['0.1.3', '1.4.0'], ['0.2.0', '2.0.0']],
]
for (const [range, inside, outside] of CASES) {
  test(`the range ${JSON.stringify(range)}`, () => {
    for (const version of inside) assert.equal(isInRange(version, range), true, version)
    for (const version of outside) assert.equal(isInRange(version, range), false, version)
  })
}

for (const range of ['latest', '1.2.3.4', '^^1', 'workspace:*', '1 ||  x.y', '>=']) {
  test(`${range} is ${range === '>=' ? 'any version' : 'no range'}`, () =>
    assert.equal(isInRange('1.0.0', range), range === '>=' ? true : undefined))
}
