/** What is written about the chart: its README and schema say what its values say, and the examples are whole. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { listFences, listFiles, ROOT, read } from '../kit/sources.ts'
import { MODES } from './helm/cases.ts'
import { CHART } from './helm/chart.ts'

const FOLDER = 'deploy/helm/corelet'
const page = read('docs/helm.md')

test('the README and the schema say what the comments of the values say', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'readme-'))
  context.after(() => rmSync(folder, { recursive: true }))
  execFileSync(process.execPath, [join(ROOT, 'deploy/helm/readme.ts'), folder])
  const written = (file: string) => readFileSync(join(folder, file), 'utf8')
  assert.equal(written('README.md'), read(`${FOLDER}/README.md`))
  assert.deepEqual(JSON.parse(written('values.schema.json')), JSON.parse(read(`${FOLDER}/values.schema.json`)))
})

test('there is an example for each mode, which the chart takes and the page shows', () => {
  const examples = listFiles(`${FOLDER}/ci`)
  assert.deepEqual(examples.toSorted(), MODES.map((mode) => `${FOLDER}/ci/${mode}-values.yaml`).toSorted())
  for (const path of examples) {
    const text = read(path)
    const values = parse(text)
    assert.ok(path.includes(`/${values.mode}-`), path)
    const { resources, notes } = CHART.render(values)
    assert.ok(resources.some(({ kind }) => kind === (values.mode === 'cluster' ? 'Deployment' : 'DaemonSet')))
    assert.match(notes, /\nIs it working\?\n[\s\S]*\nRemove it:\n/)
    const [comment, ...lines] = text.trimEnd().split('\n')
    assert.ok(
      page.includes(`### ${values.mode}\n\n${comment!.slice(2)}\n\n\`\`\`yaml\n${lines.join('\n')}\n\`\`\`\n`),
      path,
    )
  }
})

test('the other values that the page shows are taken, too', () => {
  const example = parse(read(`${FOLDER}/ci/node-local-values.yaml`))
  const shown = listFences('docs/helm.md', 'yaml').map(({ text }) => parse(text))
  const others = shown.filter((values) => values.mode === undefined)
  assert.ok(others.length > 0)
  for (const values of others) CHART.render({ ...example, ...values })
})
