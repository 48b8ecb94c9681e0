import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toQuery } from '../testing/messages.ts'
import { compileExpression } from './compile.ts'
import { EvaluationError, ExpressionError } from './errors.ts'
import { QUERY_ENVIRONMENT } from './query-functions.ts'

const query = toQuery('client1.example.', 'AAAA')
const now = Date.UTC(2026, 0, 1)

/** Any other error than the two kinds fails the test. */
function run(text: string): void {
  try {
    compileExpression(text, QUERY_ENVIRONMENT).evaluate({ query, now })
  } catch (error) {
    if (!(error instanceof ExpressionError || error instanceof EvaluationError)) throw error
  }
}

const words =
  `name() type() now() client_ip() first([1]) first([]) fromJSON("{}") [1,2] {a:1} "text" 'a' 1 0 -1 2.5 1e300 1..9 nil true false # .a ?.b
  + - * / % ** == != < <= in not matches contains startsWith endsWith && || or and ?? ? : | ( ) [ ] { } , ; let x = if else
  map( filter( reduce( sortBy( groupBy( len( repeat( split( join( replace( max( median( int( float( string( toJSON( date( duration( timezone(
  get( take( uniq( flatten( fromPairs( bitshl( bitnot( incidr( metadata( .Hour() .Format("2006 Jan") .Add( .In(`.split(
    /\s+/,
  )

test('any words make an expression, or are refused with a place', () => {
  const text = fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((list) => list.join(' '))
  fc.assert(fc.property(text, run), { numRuns: 5000, seed: 1 })
})

test('any text does', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 40 }), run), { numRuns: 1000, seed: 2 })
})

test('any values can be handed to any function', () => {
  const value = fc.constantFrom(
    'first([1])',
    'first(["a"])',
    'first([nil])',
    'first([[1]])',
    'get({a: {b: 1}}, "a")',
    'first([1.5])',
    'first([-1])',
    'first([1e300])',
  )
  const names =
    `len abs ceil floor round int float string trim trimPrefix upper split splitAfter replace repeat join indexOf hasPrefix max min
    mean median toJSON fromJSON toBase64 fromBase64 duration date timezone first last get take keys values toPairs fromPairs reverse uniq concat flatten
    sort bitand bitor bitnot bitshl bitshr bitushr incidr metadata map filter reduce sortBy groupBy sum count`.split(
      /\s+/,
    )
  const call = fc
    .tuple(fc.constantFrom(...names), fc.array(value, { minLength: 0, maxLength: 4 }))
    .map(([name, args]) => `${name}(${args.join(', ')})`)
  fc.assert(fc.property(call, run), { numRuns: 5000, seed: 3 })
})

test('long and deep expressions end', () => {
  for (const text of [
    Array(4000).fill('1').join('+'),
    Array(2000).fill('true').join('||'),
    `{}${'.a'.repeat(4000)}`,
    `1${' | abs()'.repeat(1000)}`,
    `${'!'.repeat(5000)}true`,
    '['.repeat(5000),
    'true?'.repeat(2000),
    'let a=1;'.repeat(1000),
    'if true {'.repeat(1000),
  ])
    run(text)
  assert.throws(() => compileExpression(Array(4000).fill('1').join('+'), QUERY_ENVIRONMENT), ExpressionError)
})
