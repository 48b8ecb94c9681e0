import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { DIAGNOSTICS_PAGE, generateDiagnostics } from './generate-docs.ts'

test('docs/diagnostics.md is what `node test/generate-docs.ts --write` writes', async () => {
  assert.equal(readFileSync(DIAGNOSTICS_PAGE, 'utf8'), await generateDiagnostics())
})
