/** The files that GitHub reads: they are YAML with what GitHub asks for, and nothing in them is fetched by a name that can move. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listFiles, ROOT, read } from '../kit/sources.ts'

const parse = (path: string) =>
  spawnSync('python3', ['-c', 'import json, sys, yaml; print(json.dumps(yaml.load(sys.stdin, yaml.BaseLoader)))'], {
    input: read(path),
    encoding: 'utf8',
  })
const files = listFiles('.github').filter((path) => path.endsWith('.yml'))
const skip = parse('.github/dependabot.yml').status !== 0

type Yaml = { [key: string]: Yaml } & Yaml[] & string

function load(path: string): Yaml {
  const { status, stdout, stderr } = parse(path)
  assert.equal(status, 0, `${path}: ${stderr}`)
  return JSON.parse(stdout)
}

test('all of it is YAML', { skip }, () => {
  assert.ok(files.length >= 6)
  for (const path of files) load(path)
})

for (const path of files.filter((each) => each.startsWith('.github/workflows/'))) {
  test(`${path} has bounds, few permissions and steps that name what they run`, { skip }, () => {
    const workflow = load(path)
    assert.ok(workflow['name'] && workflow['on'])
    assert.deepEqual(workflow['permissions'], { contents: 'read' })
    for (const [name, job] of Object.entries(workflow['jobs']!)) {
      assert.ok(job['runs-on'] && Number(job['timeout-minutes']) > 0, name)
      for (const step of job['steps'] as Yaml[]) {
        assert.equal(Number('run' in step) + Number('uses' in step), 1, JSON.stringify(step))
        if (step['uses']) assert.match(step['uses'], /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)
        // what others can write must not become part of a script
        if (step['run']) assert.doesNotMatch(step['run'], /\$\{\{(?! matrix\.)/)
        const { file } = (step['with'] ?? {}) as { file?: string }
        if (file) assert.ok(existsSync(join(ROOT, file)), file)
      }
    }
    for (const [line, version] of read(path).matchAll(/uses: \S+(.*)/g))
      assert.match(version!, /^ # v\d+\.\d+\.\d+$/, line)
  })
}

test('a release is signed, with what is in it and where it was built', () => {
  const release = read('.github/workflows/release.yml')
  for (const needed of [
    '--provenance',
    'sbom: true',
    'provenance: mode=max',
    'cosign sign --yes "$IMAGE@$DIGEST"',
    'linux/amd64,linux/arm64',
  ])
    assert.ok(release.includes(needed), needed)
  const args = [...release.matchAll(/^ +([A-Z]+)=\$\{\{/gm)].map(([, name]) => name!)
  for (const name of args) assert.match(read('deploy/image/Dockerfile'), new RegExp(`^ARG ${name}=`, 'm'))
  assert.equal(args.length, 4)
})

test('issue forms ask for something, each question once', { skip }, () => {
  for (const path of ['bug', 'wish'].map((name) => `.github/ISSUE_TEMPLATE/${name}.yml`)) {
    const form = load(path)
    assert.ok(form['name'] && form['description'])
    const questions = (form['body'] as Yaml[]).filter((each) => each['type'] !== 'markdown')
    for (const { type, id, attributes } of questions) {
      assert.ok(['input', 'textarea', 'dropdown'].includes(type!), type)
      assert.ok(id && attributes!['label'], path)
    }
    assert.equal(new Set(questions.map(({ id }) => id)).size, questions.length)
    assert.ok(questions.some(({ validations }) => validations?.['required'] === 'true'))
  }
})

test('owners and dependabot name folders that exist', { skip }, () => {
  for (const line of read('.github/CODEOWNERS')
    .split('\n')
    .filter((each) => /^\//.test(each))) {
    const [path, ...owners] = line.split(/\s+/)
    assert.ok(existsSync(join(ROOT, path!)), line)
    assert.ok(owners.length > 0 && owners.every((owner) => owner.startsWith('@')), line)
  }
  for (const update of load('.github/dependabot.yml')['updates'] as Yaml[]) {
    assert.ok(existsSync(join(ROOT, update['directory']!)))
    assert.ok(['npm', 'github-actions', 'docker'].includes(update['package-ecosystem']!))
  }
})
