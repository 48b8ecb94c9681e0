/** The files that GitHub reads: they are YAML with what GitHub asks for, and nothing in them is fetched by a name that can move. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { listFiles, listPlugins, ROOT, read } from '../kit/sources.ts'

const files = listFiles('.github').filter((path) => path.endsWith('.yml'))

type Yaml = { [key: string]: Yaml } & Yaml[] & string

/** With all values as text. */
const load = (path: string): Yaml => parse(read(path), { schema: 'failsafe' })

/** What jobs may write, by workflow and job. */
const WRITES: Readonly<Record<string, readonly string[]>> = {
  'release npm': ['id-token'],
  'release image': ['packages', 'id-token'],
  'release chart': ['packages', 'id-token'],
  'release notes': ['contents'],
  'codeql analyze': ['security-events'],
  'scorecard analyze': ['security-events', 'id-token'],
}

test('all of it is YAML', () => {
  assert.ok(files.length >= 8)
  for (const path of files) load(path)
})

for (const path of files.filter((each) => each.startsWith('.github/workflows/'))) {
  test(`${path} has bounds, few permissions and steps that name what they run`, () => {
    const workflow = load(path)
    assert.ok(workflow['name'] && workflow['on'])
    assert.deepEqual(workflow['permissions'], { contents: 'read' })
    for (const [name, job] of Object.entries(workflow['jobs']!)) {
      const writes = Object.entries<string>(job['permissions'] ?? {}).filter(([, access]) => access !== 'read')
      const allowed: readonly string[] = WRITES[`${workflow['name']} ${name}`] ?? []
      assert.deepEqual(
        writes.map(([what, access]) => `${what}: ${access}`),
        allowed.map((what) => `${what}: write`),
        `what ${name} may write`,
      )
      if (typeof job['uses'] === 'string') {
        assert.ok(existsSync(join(ROOT, job['uses'])), job['uses'])
        continue
      }
      assert.ok(job['runs-on'] && Number(job['timeout-minutes']) > 0, name)
      for (const step of job['steps'] as Yaml[]) {
        assert.equal(Number('run' in step) + Number('uses' in step), 1, JSON.stringify(step))
        if (step['uses']) assert.match(step['uses'], /^[\w-]+\/[\w/-]+@[0-9a-f]{40}$/)
        // what others can write must not become part of a script
        if (step['run']) assert.doesNotMatch(step['run'], /\$\{\{(?! matrix\.)/)
        const { file } = (step['with'] ?? {}) as { file?: string }
        if (file) assert.ok(existsSync(join(ROOT, file)), file)
      }
    }
    for (const [line, version] of read(path).matchAll(/uses: [^.\s]\S+(.*)/g))
      assert.match(version!, /^ # v\d+\.\d+\.\d+$/, line)
  })
}

test('shellcheck has nothing to say of the steps', {
  skip: spawnSync('shellcheck', ['-V']).status !== 0,
}, () => {
  for (const path of files.filter((each) => each.startsWith('.github/workflows/'))) {
    for (const job of Object.values<Yaml>(load(path)['jobs']!)) {
      for (const { run } of (job['steps'] ?? []) as Yaml[]) {
        if (run === undefined) continue
        const input = String(run).replace(/\$\{\{.*?\}\}/g, 'value')
        const { status, stdout } = spawnSync('shellcheck', ['--shell=bash', '--severity=warning', '-'], {
          input,
          encoding: 'utf8',
        })
        assert.equal(status, 0, `${path}: ${run}\n${stdout}`)
      }
    }
  }
})

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
  assert.ok(release.includes('cosign sign --yes "$charts/corelet@$digest"'))
  const args = [...release.matchAll(/^ +([A-Z]+)=\$\{\{/gm)].map(([, name]) => name!)
  for (const name of args) assert.match(read('deploy/image/Dockerfile'), new RegExp(`^ARG ${name}=`, 'm'))
  assert.equal(args.length, 4)
})

test('a release follows its checks, and dependencies are looked at, week by week too', () => {
  const [ci, release] = ['ci', 'release'].map((name) => load(`.github/workflows/${name}.yml`))
  const jobs = Object.entries<Yaml>(release!['jobs']!)
  for (const [name, { uses, needs }] of jobs) {
    const before = [needs ?? []].flat().map(String)
    if (name === 'checks') assert.equal(uses, './.github/workflows/ci.yml')
    else assert.ok(before.length > 0 && before.every((each) => jobs.some(([other]) => other === each)), name)
  }
  assert.ok('workflow_call' in ci!['on']! && ci!['on']!['schedule'])
  const steps = Object.values<Yaml>(ci!['jobs']!).flatMap((job) => job['steps'] as Yaml[])
  const commands = steps.map((step) => step['run'])
  for (const command of ['npm audit --omit=dev', 'npm audit --audit-level=high', 'npm audit signatures', '.ci/run'])
    assert.ok(
      commands.some((each) => each === command),
      command,
    )
})

test('what the npm packages need for provenance is there', () => {
  const release = read('.github/workflows/release.yml')
  for (const [path, folder] of [
    ['package.json', './dist'],
    ['deploy/npm/create-corelet-plugin/package.json', './deploy/npm/create-corelet-plugin'],
  ] as const) {
    assert.ok(JSON.parse(read(path)).repository.url, path)
    assert.ok(release.includes(`npm publish ${folder} --provenance --access public`), folder)
  }
})

test('issue forms ask for something, each question once', () => {
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

test('each plugin has an owner', () => {
  const lines = read('.github/CODEOWNERS').split('\n')
  for (const name of listPlugins())
    assert.ok(
      lines.some((line) => line.startsWith(`/plugins/${name}/ `)),
      name,
    )
})

test('owners and dependabot name folders that exist', () => {
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
    assert.ok(Object.keys(update['groups']!).length > 0, 'one pull request for many')
  }
})
