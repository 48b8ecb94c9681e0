import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Codes } from './codes.ts'
import { KEY_CODES } from './key-codes.ts'
import { readKeys } from './keys.ts'
import { LANGUAGE_CODES } from './language-codes.ts'
import { checkListeners } from './listeners.ts'
import type { Diagnostic } from './model.ts'
import { parseText } from './testing.ts'

const ENV = { COREFILE_LOOP: '{$COREFILE_LOOP}' }

/** All findings of the language about a text: words, blocks, keys and listeners. */
async function check(text: string): Promise<Diagnostic[]> {
  const { blocks, diagnostics } = await parseText(text, { 'folder/file': '' }, ENV)
  const read = blocks.map((block) => ({ block, ...readKeys(block.keys, 53) }))
  const listening = read.map(({ block, keys }) => ({
    keys,
    addresses: block.directives.find(({ name }) => name.text === 'bind')?.args.map(({ text: word }) => word),
    hasView: block.directives.some(({ name }) => name.text === 'view'),
  }))
  return [...diagnostics, ...read.flatMap((each) => each.diagnostics), ...checkListeners(listening)]
}

for (const [code, { example, severity, message, hint }] of Object.entries({
  ...LANGUAGE_CODES,
  ...KEY_CODES,
} as Codes)) {
  test(`the example of ${code} produces it and no other error`, async () => {
    const diagnostics = await check(example)
    const found = diagnostics.find((each) => each.code === code)
    assert.ok(found, `found ${diagnostics.map((each) => each.code).join(', ') || 'nothing'}`)
    assert.equal(found.severity, severity ?? found.severity)
    const others = diagnostics.filter((each) => each.code !== code && each.severity === 'error')
    assert.deepEqual(others, [])
    const params = `${message}${hint}`.match(/\{\d\}/g) ?? []
    if (params.length > 0) assert.doesNotMatch(`${found.message}${found.hint ?? ''}`, /\{\d\}|undefined/)
  })
}
