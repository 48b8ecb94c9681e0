import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashCorefile } from './hash.ts'
import { parseText } from './testing.ts'

async function hash(text: string, files = {}, env = {}): Promise<string> {
  return hashCorefile((await parseText(text, files, env)).blocks)
}

const TEXT = '. {\n  log {\n    class all\n  }\n}\n'

test('the hash is SHA-512 in hexadecimal', async () => assert.match(await hash(TEXT), /^[0-9a-f]{128}$/))

const SAME = ['. { # comment\n  log {\n    class   all\n  }\n}\n# end\n', '"." {\n\tlog {\n\tclass all\n}\n}']
for (const text of SAME) {
  test(`same hash: ${JSON.stringify(text)}`, async () => assert.equal(await hash(text), await hash(TEXT)))
}

const OTHER = [`\n${TEXT}`, TEXT.replace('all', 'error'), TEXT.replace('. ', 'a. '), '. {\n  log class all\n}\n']
for (const text of OTHER) {
  test(`other hash: ${JSON.stringify(text)}`, async () => assert.notEqual(await hash(text), await hash(TEXT)))
}

test('imported files and variables are part of the hash', async () => {
  const text = '. {\n  import x\n  log {$Y}\n}\n'
  const first = await hash(text, { x: 'errors' }, { Y: '1' })
  assert.equal(await hash(text, { x: 'errors' }, { Y: '1' }), first)
  assert.notEqual(await hash(text, { x: 'whoami' }, { Y: '1' }), first)
  assert.notEqual(await hash(text, { x: 'errors' }, { Y: '2' }), first)
})
