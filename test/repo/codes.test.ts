import assert from 'node:assert/strict'
import { test } from 'node:test'
import { order } from '../../plugins/order.ts'
import { type Codes, VALUE_CODES } from '../../src/corefile/codes.ts'
import type { AnyPlugin } from '../../src/plugin/define.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { loadText } from '../kit/load.ts'

const folder = temporaryFolder('codes')

function checkExamples(codes: Codes, prefix: string): void {
  for (const [name, { message, hint, example, severity = 'error' }] of Object.entries(codes)) {
    const code = `${prefix}${name}`
    test(`the example of ${code} produces it and nothing else`, async () => {
      assert.match(name, /^[a-z]+(-[a-z]+)*$/)
      assert.ok(message !== '' && hint !== '')
      const { diagnostics } = await loadText(example, folder)
      assert.deepEqual(
        diagnostics.map((each) => ({ code: each.code, severity: each.severity })),
        [{ code, severity }],
        diagnostics.map((each) => each.message).join('\n'),
      )
      const [found] = diagnostics
      assert.doesNotMatch(found!.message + (found!.hint ?? ''), /undefined|\{\d\}/)
      assert.ok(found!.line >= 1 && found!.column >= 1 && found!.length >= 1)
    })
  }
}

checkExamples(VALUE_CODES, '')

for (const [name, load] of order) {
  const plugin = await load().then(
    (module) => module.default as AnyPlugin,
    () => undefined,
  )
  test(`${name} can be imported`, () => assert.ok(plugin))
  checkExamples(plugin?.errors ?? {}, `${name}/`)
}
