/** Where the project lives, and under which version: many files say it, and all say the same. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listFiles, ROOT, read } from '../kit/sources.ts'

const { homepage, repository, bugs, version } = JSON.parse(read('package.json'))
const [, organisation, name] = /^https:\/\/github\.com\/([\w-]+)\/([\w-]+)$/.exec(homepage)!
const IMAGE = `ghcr.io/${organisation}/${name}`
const CHART = 'deploy/helm/corelet'

const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']
const texts = [...documents, ...['docs', 'deploy', '.github', 'plugins'].flatMap(listFiles)].filter((path) =>
  /\.(md|ya?ml|sh|ts|json|txt|tpl)$|Dockerfile$|CODEOWNERS$/.test(path),
)

test('the packages name the repository', () => {
  assert.equal(repository.url, `git+${homepage}.git`)
  assert.equal(bugs, `${homepage}/issues`)
  const create = JSON.parse(read('deploy/npm/create-corelet-plugin/package.json'))
  assert.deepEqual(create.repository, { ...repository, directory: 'deploy/npm/create-corelet-plugin' })
  assert.equal(create.homepage, homepage)
})

test('links to the repository lead to this one', () => {
  const links = texts.flatMap((path) =>
    [...read(path).matchAll(/github\.com\/([\w-]*corelet[\w-]*\/[\w.-]+)/g)].map(([, where]) => [path, where] as const),
  )
  assert.ok(links.length >= 3)
  for (const [path, where] of links) assert.equal(where!.replace(/\.git$/, ''), `${organisation}/${name}`, path)
})

test('owners are of its organisation', () => {
  const owners = read('.github/CODEOWNERS').match(/@\S+/g)!
  for (const owner of owners) assert.ok(owner.startsWith(`@${organisation}/`), owner)
})

test('images are those of the release, of this version', () => {
  const images = texts.flatMap((path) =>
    [...read(path).matchAll(/ghcr\.io\/[\w./-]+(?::[\w.-]+)?/g)].map(([image]) => [path, image] as const),
  )
  const known = [IMAGE, `${IMAGE}:${version}`, `${IMAGE}:${version}-node`, `ghcr.io/${organisation}/charts`]
  for (const [path, image] of images)
    assert.ok(
      known.some((each) => image === each || image.startsWith(`${each}/`)),
      `${path}: ${image}`,
    )
  const node = `${IMAGE}:${version}-node`
  assert.ok(read('deploy/install/common.sh').includes(`"\${IMAGE:=${node}}"`))
  assert.ok(read('deploy/manifests/node-local-dns.yaml').includes(`image: ${node}\n`))
  assert.match(read('.github/workflows/release.yml'), /image=ghcr\.io\/\$\{GITHUB_REPOSITORY,,\}"/)
  // names without a registry are those of one's own builds
  for (const path of texts.filter((each) => /^(docs\/(?!image)|deploy\/(helm|manifests|install|kustomize))/.test(each)))
    assert.doesNotMatch(read(path), /(?<![\w./])corelet:(node|server|latest)\b/, path)
})

test('the Dockerfile says both', () => {
  const file = read('deploy/image/Dockerfile')
  assert.ok(file.includes(`\nARG VERSION=${version}\n`))
  assert.ok(file.includes(`\nARG SOURCE=${homepage}\n`))
})

test('the chart is of this version, from here', { skip: !existsSync(join(ROOT, CHART)) }, () => {
  const chart = read(`${CHART}/Chart.yaml`)
  const field = (key: string) => new RegExp(`^${key}: "?([^"\\n]*)"?$`, 'm').exec(chart)?.[1]
  assert.deepEqual([field('version'), field('appVersion')], [version, version])
  assert.equal(field('home'), homepage)
  assert.match(chart, new RegExp(`^sources:\\n +- ${homepage}$`, 'm'))
  assert.ok(read(`${CHART}/values.yaml`).includes(IMAGE))
})
