import { test } from 'node:test'
import fc from 'fast-check'
import { ExecutionError, TemplateError } from './errors.ts'
import { Template } from './execute.ts'
import { mapOf, objectOf } from './values.ts'

const data = objectOf({
  Name: 'a.example.',
  Match: ['a', 'b'],
  Group: mapOf({ 1: 'a' }),
  Count: 3,
  Meta: (label) => `<${String(label)}>`,
})

/** Any other error than the two kinds fails the test. */
function run(source: string): void {
  try {
    new Template(source).execute(data)
  } catch (error) {
    if (!(error instanceof TemplateError || error instanceof ExecutionError)) throw error
  }
}

const words =
  `{{ }} {{- -}} . .Name .Match .Group .Group.x .Count .Nope .Meta $ $x $x. := = | ( ) , "a" "%d %s %x %c" 1 -1 2.5 0x10 'a' nil true if else end with
  range break continue define and or not eq ne lt len index slice print printf println html urlquery parseInt /* */ text`.split(
    /\s+/,
  )

test('any words make a template, or are refused', () => {
  const source = fc.array(fc.constantFrom(...words), { maxLength: 14 }).map((list) => `{{ ${list.join(' ')} }}`)
  fc.assert(fc.property(source, run), { numRuns: 5000, seed: 1 })
})

test('any text does', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => run(`{{${text}`)),
    {
      numRuns: 1000,
      seed: 2,
    },
  )
})

test('any values can be handed to any function', () => {
  const value = fc.constantFrom(
    '.Name',
    '.Match',
    '.Group',
    '.Count',
    '.Meta',
    'nil',
    '.',
    '-1',
    '2.5',
    '"%05d %x %c %q %v %z"',
    '.Group.none',
  )
  const name = fc.constantFrom(...words.slice(words.indexOf('and'), words.indexOf('/*')))
  const call = fc
    .tuple(name, fc.array(value, { maxLength: 4 }))
    .map(([each, args]) => `{{ ${each} ${args.join(' ')} }}`)
  fc.assert(fc.property(call, run), { numRuns: 5000, seed: 3 })
})

test('long and deep templates end', () => {
  for (const source of [
    `{{ .Group${'.a'.repeat(20_000)} }}`,
    `{{ .Name${' | print'.repeat(8000)} }}`,
    `{{ ${'('.repeat(10_000)} }}`,
    '{{ if true }}'.repeat(4000),
    `{{ if false }}${'{{ else if false }}'.repeat(3000)}{{ end }}`,
    '{{'.repeat(30_000),
  ])
    run(source)
})
