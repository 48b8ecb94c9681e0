/** The pages: their commands are run or marked, they make a site, and one finds all of them. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { toHtml } from '../../deploy/site/markdown.ts'
import { listFences, listFiles, ROOT, read } from '../kit/sources.ts'

/** What may stand behind the language of a block of commands; docs/index.md explains each. */
const MARKS = ['run', 'cluster', 'docker', 'machine', 'server']
const COMMANDS = /^\s*```(sh|bash|shell|console)\b/

const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...['docs', 'plugins', 'deploy'].flatMap(listFiles).filter((path) => path.endsWith('.md')),
]
const folder = mkdtempSync(join(tmpdir(), 'docs-'))
after(() => rmSync(folder, { recursive: true }))

test('every block of commands says how it is run', () => {
  const index = read('docs/index.md')
  for (const mark of MARKS) assert.ok(index.includes(`\`${mark}\``), `${mark} is explained`)
  for (const path of documents) {
    for (const line of read(path)
      .split('\n')
      .filter((each) => COMMANDS.test(each)))
      assert.ok(
        MARKS.some((mark) => line.trim() === `\`\`\`sh ${mark}`),
        `${path}: ${line}`,
      )
  }
})

const runnable = documents.flatMap((path) => listFences(path, 'sh run'))

test('there are commands to run', () => assert.ok(runnable.length >= 5))

for (const { path, line, text } of runnable) {
  test(`the commands in ${path}:${line} work`, () => {
    const bin = mkdtempSync(join(folder, 'bin-'))
    const main = join(ROOT, 'src/cli/main.ts')
    writeFileSync(join(bin, 'corelet'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`, { mode: 0o755 })
    writeFileSync(join(bin, 'node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 })
    const env = { PATH: `${bin}:${process.env['PATH']}`, TMPDIR: bin }
    const options = { cwd: ROOT, env, encoding: 'utf8', timeout: 60_000 } as const
    const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', text], options)
    assert.equal(status, 0, stdout + stderr)
  })
}

test('what README.md shows of `check` is what it says', () => {
  const cwd = mkdtempSync(join(folder, 'check-'))
  writeFileSync(join(cwd, 'Corefile'), '.:53 {\n    forwrad . 192.0.2.53\n    cache {\n        sucess 100\n    }\n}\n')
  const { status, stdout } = spawnSync(process.execPath, [join(ROOT, 'src/cli/main.ts'), 'check', 'Corefile'], {
    cwd,
    encoding: 'utf8',
  })
  assert.equal(status, 1)
  const shown = listFences('README.md', '').find(({ text }) => text.startsWith('$ '))!.text
  assert.equal(shown.split('\n').slice(1).join('\n').trim(), stdout.trim())
})

test('commands that no test runs name scripts, files and subcommands that are there', () => {
  const { scripts } = JSON.parse(read('package.json'))
  const subcommands = new Set(read('src/cli/main.ts').match(/(?<=')[a-z]+(?=')/g))
  const fences = documents.flatMap((path) => MARKS.flatMap((mark) => listFences(path, `sh ${mark}`)))
  assert.ok(fences.length > runnable.length)
  for (const { path, text } of fences) {
    for (const [, script] of text.matchAll(/npm run ([\w:]+)/g))
      assert.ok(scripts[script!], `${path}: npm run ${script}`)
    for (const [file] of text.matchAll(/(?<![\w/])(deploy|\.ci|src|test|docs|corefiles)\/[\w./-]+/g))
      assert.ok(existsSync(join(ROOT, file)), `${path}: ${file}`)
    for (const [, word] of text.matchAll(/(?:^|\/)corelet ([a-z]+)/gm))
      assert.ok(subcommands.has(word!), `${path}: corelet ${word}`)
  }
})

test('docs/index.md leads to every page', () => {
  const index = read('docs/index.md') + read('docs/runbooks/index.md')
  for (const path of listFiles('docs').filter(
    (each) => /^docs\/(runbooks\/)?[\w-]+\.md$/.test(each) && each !== 'docs/index.md',
  ))
    assert.ok(index.includes(`(${path.replace(/^docs\//, '')})`) || index.includes(`(${path.split('/').at(-1)})`), path)
})

test('each migration says how to go there and back', () => {
  const pages = listFiles('docs').filter((path) => path.startsWith('docs/migrate-'))
  assert.equal(pages.length, 6)
  for (const path of pages)
    assert.match(read(path), /^\| there \|[\s\S]*\n## Back\n|^\| (stays|value there)[\s\S]*\n## Back\n/m, path)
})

test('Markdown becomes HTML, and what stands in it no tag', () => {
  const html = (text: string) => toHtml(text, (target) => `to:${target}`)
  assert.equal(html('# A `b` _c_'), '<h1 id="a-b-_c_">A <code>b</code> <em>c</em></h1>')
  assert.equal(
    html('a <b> & [_c_](d) `<e>`'),
    '<p>a &#60;b&#62; &#38; <a href="to:d"><em>c</em></a> <code>&#60;e&#62;</code></p>',
  )
  assert.equal(html('![a](b.svg)'), '<p><img alt="a" src="to:b.svg"></p>')
  assert.equal(html('- a\n- b\n  c\n\nd'), '<ul><li><p>a</p></li><li><p>b\nc</p></li></ul>\n<p>d</p>')
  assert.equal(
    html('1. a\n\n   ```sh\n   b\n   ```\n2. c'),
    '<ol><li><p>a</p>\n<pre><code>b</code></pre></li><li><p>c</p></li></ol>',
  )
  assert.equal(
    html('| a | b |\n|---|---|\n| c\\|d | |'),
    '<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>c|d</td><td></td></tr></tbody></table>',
  )
  assert.equal(html('``` \n<a>\n\n```'), '<pre><code>&#60;a&#62;\n</code></pre>')
})

test('the site has every page and its links lead somewhere', () => {
  const site = join(folder, 'site')
  execFileSync(process.execPath, [join(ROOT, 'deploy/site/build.ts'), site])
  const pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.html'))
  const built = documents.filter((path) => !path.startsWith('deploy/'))
  assert.ok(pages.length >= built.length, `${pages.length} of ${built.length}`)
  for (const page of pages) {
    const html = readFileSync(join(site, page), 'utf8')
    assert.doesNotMatch(html, /<script|```/, page)
    for (const [, target] of html.matchAll(/(?:href|src)="(?!https?:|mailto:|#)([^"#]+)/g))
      assert.ok(existsSync(join(site, dirname(page), target!)), `${page} leads to ${target}`)
  }
})

test('the pictures are SVG that says what it shows', () => {
  for (const name of ['query', 'node']) {
    const svg = read(`docs/${name}.svg`)
    assert.match(svg, /^<svg .*role="img"/)
    assert.match(svg, /<title id="t">.+<\/title><desc id="d">.+<\/desc>/)
    assert.ok(read('README.md').includes(`(docs/${name}.svg)`))
  }
})
