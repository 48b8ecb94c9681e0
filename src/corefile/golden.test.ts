/**
 * Each `testdata/*.corefiletest` is a Corefile, a line of ten dashes, and what comes of it. `-- NAME --` begins a file that it imports,
 * `-- env --` lines of `NAME=VALUE`. With UPDATE_GOLDEN=1 the expectations are written anew.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseText, showBlocks, showDiagnostics } from './testing.ts'

const FOLDER = new URL('testdata/', import.meta.url)
const SEPARATOR = '----------\n'

for (const name of readdirSync(FOLDER).filter((each) => each.endsWith('.corefiletest'))) {
  test(`golden ${name}`, async () => {
    const path = new URL(name, FOLDER)
    const [input = '', expected = ''] = readFileSync(path, 'utf8').split(SEPARATOR)
    const [text = '', ...sections] = input.split(/^-- (.+) --\n/m)
    const files: Record<string, string> = {}
    let env: Record<string, string> = {}
    for (let i = 0; i < sections.length; i += 2) {
      if (sections[i] === 'env') env = readEnv(sections[i + 1]!)
      else files[sections[i]!] = sections[i + 1]!
    }
    const { blocks, diagnostics } = await parseText(text, files, env)
    const actual = showBlocks(blocks) + showDiagnostics(diagnostics)
    if (process.env['UPDATE_GOLDEN']) writeFileSync(path, `${input}${SEPARATOR}${actual}`)
    else assert.equal(actual, expected)
  })
}

function readEnv(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.includes('='))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}
