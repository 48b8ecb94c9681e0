/** Functions whose second argument is evaluated for each element of a list. */
import { EvaluationError } from './errors.ts'
import type { Scope } from './scope.ts'
import { compare, type Type, toText, typeOf, type Value } from './values.ts'

/** The second argument, for one element. `sum` is what `reduce` has so far. */
export type Predicate = (item: Value, index: number, sum?: Value) => Value

interface PredicateFunction {
  min: number
  max: number
  result: Type
  /** The predicate must be true or false. */
  bool?: true
  call(items: Value[], predicate: Predicate | undefined, more: Value[], scope: Scope<unknown>): Value
}

const test = (predicate: Predicate | undefined) => (item: Value, index: number) => {
  const value = predicate ? predicate(item, index) : item
  if (typeof value !== 'boolean') throw new EvaluationError(`a predicate gave ${typeOf(value)}, not bool`)
  return value
}

function filterLike(
  result: Type,
  call: (items: Value[], good: (item: Value, i: number) => boolean) => Value,
): PredicateFunction {
  return { min: 2, max: 2, result, bool: true, call: (items, predicate) => call(items, test(predicate)) }
}

export const PREDICATE_BUILTINS: Readonly<Record<string, PredicateFunction>> = {
  all: filterLike('bool', (items, good) => items.every(good)),
  none: filterLike('bool', (items, good) => !items.some(good)),
  any: filterLike('bool', (items, good) => items.some(good)),
  one: filterLike('bool', (items, good) => items.filter(good).length === 1),
  filter: filterLike('array', (items, good) => items.filter(good)),
  find: filterLike('any', (items, good) => items.find(good) ?? null),
  findIndex: filterLike('int', (items, good) => items.findIndex(good)),
  findLast: filterLike('any', (items, good) => items.findLast(good) ?? null),
  findLastIndex: filterLike('int', (items, good) => items.findLastIndex(good)),
  count: { ...filterLike('int', (items, good) => items.filter(good).length), min: 1 },
  map: {
    min: 2,
    max: 2,
    result: 'array',
    call: (items, predicate) => items.map((item, i) => predicate!(item, i)),
  },
  sum: {
    min: 1,
    max: 2,
    result: 'any',
    call: (items, predicate) =>
      items.reduce<number>((sum, item, i) => sum + toNumber(predicate ? predicate(item, i) : item), 0),
  },
  groupBy: {
    min: 2,
    max: 2,
    result: 'map',
    call(items, predicate) {
      const groups = new Map<string, Value[]>()
      for (const [i, item] of items.entries()) {
        const key = toText(predicate!(item, i))
        const group = groups.get(key)
        if (group) group.push(item)
        else groups.set(key, [item])
      }
      return groups
    },
  },
  sortBy: {
    min: 2,
    max: 3,
    result: 'array',
    call(items, predicate, [order = 'asc'], scope) {
      const keyed = items.map((item, i) => ({ item, key: predicate!(item, i) }))
      return sortedBy(keyed, ({ key }) => key, order, scope).map(({ item }) => item)
    },
  },
  reduce: {
    min: 2,
    max: 3,
    result: 'any',
    call(items, predicate, [start]) {
      if (start === undefined && items.length === 0) throw new EvaluationError('reduce of an empty array')
      const rest = start === undefined ? items.slice(1) : items
      const offset = items.length - rest.length
      return rest.reduce((sum, item, i) => predicate!(item, i + offset, sum), start ?? items[0]!)
    },
  },
}

/** @throws EvaluationError */
export function toNumber(value: Value): number {
  if (typeof value !== 'number') throw new EvaluationError(`a number is wanted, not ${typeOf(value)}`)
  return value
}

/** A sorted copy; `order` is `asc` or `desc`. @throws EvaluationError */
export function sortedBy<T>(items: readonly T[], key: (item: T) => Value, order: Value, scope: Scope<unknown>): T[] {
  if (order !== 'asc' && order !== 'desc') throw new EvaluationError('invalid order; expected asc or desc')
  scope.spend(items.length * 8)
  const sign = order === 'asc' ? 1 : -1
  return [...items].sort((a, b) => sign * compare(key(a), key(b)))
}
