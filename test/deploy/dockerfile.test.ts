/** The Dockerfile, read as a builder reads it: without an engine, what can be known of a build before it runs. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { V8_FLAGS } from '../../src/cli/v8-flags.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { ROOT, read } from '../kit/sources.ts'

interface Instruction {
  word: string
  /** What follows, on one line. */
  rest: string
  /** Name of its stage. */
  stage: string
}

const WORDS = ['ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'RUN', 'USER', 'WORKDIR']

function parse(text: string): Instruction[] {
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
  let stage = ''
  return lines.filter(Boolean).map((line) => {
    const [, word = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? []
    if (word === 'FROM') stage = / AS (\w+)$/.exec(rest)?.[1] ?? ''
    return { word, rest, stage }
  })
}

const file = parse(read('deploy/image/Dockerfile'))
const all = (word: string, stage?: string) =>
  file.filter((each) => each.word === word && (stage === undefined || each.stage === stage))
const rests = (word: string, stage?: string) => all(word, stage).map(({ rest }) => rest)

const folder = temporaryFolder('dockerfile')
before(() => {
  for (const args of [['server'], ['node', '--node']])
    execFileSync(process.execPath, [join(ROOT, 'deploy/image/assemble.ts'), ...args.slice(1), join(folder, args[0]!)])
})

test('it has the instructions that it needs and no other: none that fetches, none of a shell', () => {
  for (const { word, rest } of file) assert.ok(WORDS.includes(word), `${word} ${rest}`)
  assert.equal(file[0]?.word, 'FROM')
  for (const command of rests('RUN')) assert.doesNotMatch(command, /curl|wget|https?:|git clone/)
  for (const word of ['ENTRYPOINT', 'CMD']) for (const rest of rests(word)) assert.ok(Array.isArray(JSON.parse(rest)))
})

test('stages are built on stages before them, or on a release that they name', () => {
  assert.deepEqual(
    all('FROM').map(({ stage }) => stage),
    ['build', 'base', 'node', 'server'],
  )
  const known: string[] = []
  for (const { rest, stage } of all('FROM')) {
    const [from = ''] = rest.split(' ')
    if (!known.includes(from)) assert.match(from, /^(node:\d+-\w+-slim|gcr\.io\/distroless\/nodejs\d+-debian\d+)$/)
    known.push(stage)
  }
  // that they are no digests has a reason
  assert.match(read('deploy/image/Dockerfile'), /^# Bases are named by their release, not by digest, so that/m)
  for (const { rest, stage } of all('COPY')) {
    const from = /--from=(\S+)/.exec(rest)?.[1]
    if (from !== undefined) assert.ok(known.indexOf(from) < known.indexOf(stage), rest)
  }
})

test('Node.js and Debian are of one release in both bases', () => {
  const [build, base] = rests('FROM')
  const [, node, debian] = /^node:(\d+)-(\w+)-slim AS build$/.exec(build!)!
  const numbers = new Map([
    ['trixie', '13'],
    ['bookworm', '12'],
  ])
  assert.equal(base, `gcr.io/distroless/nodejs${node}-debian${numbers.get(debian!)} AS base`)
  const needed = /\d+/.exec(JSON.parse(read('package.json')).engines.node)![0]
  assert.ok(Number(node) >= Number(needed))
})

test('what it copies from the repository is there and reaches the builder', () => {
  const kept: string[] = read('.dockerignore').match(/(?<=^!).*/gm) ?? []
  assert.ok(read('.dockerignore').startsWith('*\n'))
  for (const path of kept) assert.ok(existsSync(join(ROOT, path)), path)
  const sources = all('COPY', 'build').flatMap(({ rest }) => rest.split(' ').slice(0, -1))
  assert.deepEqual(sources, ['package.json', 'package-lock.json', '.'])
  for (const source of sources.slice(0, -1)) assert.ok(kept.includes(source), source)
  const scripts = rests('RUN').flatMap((command) => command.match(/deploy\/\S+\.ts/g) ?? [])
  assert.ok(scripts.length >= 2)
  // and what the scripts read
  const bundle = read('deploy/bundle/build.ts')
  const needed = ['LICENSE', 'corefiles', 'package.json', 'plugins', 'src', 'deploy/bundle/build.ts', ...scripts]
  for (const path of needed)
    assert.ok(
      kept.some((each) => path === each || path.startsWith(`${each}/`)),
      path,
    )
  for (const path of ['LICENSE', 'corefiles', 'package.json']) assert.ok(bundle.includes(path), path)
})

test('each image copies what the script laid out for it, over nothing of its base', () => {
  const laid = rests('RUN').flatMap((command) => [...command.matchAll(/assemble\.ts (?:--node )?(\S+)/g)])
  assert.deepEqual(
    laid.map(([, path]) => path),
    ['/out/server', '/out/node'],
  )
  for (const stage of ['server', 'node']) {
    assert.deepEqual(rests('COPY', stage), [`--from=build /out/${stage} /`])
    for (const path of ['lib', 'lib64', 'bin', 'sbin', 'nodejs', 'etc/passwd', 'etc/ssl'])
      assert.equal(existsSync(join(folder, stage, path)), false, `${stage} has ${path} of the base`)
  }
})

test('programs that the node image takes from Debian are installed where it is built', () => {
  const [install] = rests('RUN').filter((command) => command.startsWith('apt-get'))
  for (const name of ['iproute2', 'iptables', 'nftables']) assert.ok(install!.includes(` ${name}`), name)
  assert.match(install!, /--no-install-recommends .*rm -rf \/var\/lib\/apt\/lists/)
  const programs = ['ip', 'nft', 'iptables-nft', 'iptables-legacy-restore', 'ip6tables-nft-save', 'ip6tables-legacy']
  for (const name of programs) {
    const found = ['usr/sbin', 'usr/bin', 'sbin', 'bin'].some((each) => exists(join(folder, 'node', each, name)))
    assert.ok(found, name)
  }
})

test('what it starts is what the script wrote, with the flags of V8', () => {
  const [entrypoint] = rests('ENTRYPOINT')
  assert.deepEqual(JSON.parse(entrypoint!), ['/nodejs/bin/node', ...V8_FLAGS, '/corelet/src/cli/main.js'])
  assert.deepEqual(rests('CMD'), ['[]'])
  const [health] = rests('HEALTHCHECK', 'server')
  const [, command] = /^--interval=\d+s --timeout=\d+s --start-period=\d+s --retries=\d +CMD (\[.*\])$/.exec(health!)!
  assert.deepEqual(JSON.parse(command!), ['/nodejs/bin/node', '/corelet/src/cli/main.js', 'health'])
  assert.deepEqual(rests('HEALTHCHECK', 'node'), ['NONE'])
  for (const stage of ['server', 'node'])
    for (const path of [
      'corelet/src/cli/main.js',
      'corelet/bin/corelet.js',
      'coredns',
      'node-cache',
      'usr/bin/corelet',
    ])
      assert.ok(exists(join(folder, stage, path)), `${stage} has ${path}`)
  const launcher = read('deploy/image/launcher.js')
  assert.ok(launcher.startsWith(`#!/nodejs/bin/node\n`))
  assert.ok(launcher.includes(`[${V8_FLAGS.map((flag) => `'${flag}'`).join(', ')}]`))
  assert.match(launcher, /\/\.\.\/src\/cli\/main\.js/)
})

test('users are numbers, ports and labels those of images that people know', () => {
  assert.deepEqual([rests('USER', 'node'), rests('USER', 'server')], [['0:0'], ['65532:65532']])
  assert.equal(all('USER').length, 2)
  assert.deepEqual(rests('EXPOSE'), ['53 53/udp'])
  assert.deepEqual(rests('WORKDIR', 'base'), ['/'])
  const labels = new Map(
    [
      ...rests('LABEL')
        .join(' ')
        .matchAll(/org\.opencontainers\.image\.(\w+)="([^"]*)"/g),
    ].map(([, key, value]) => [key!, value!]),
  )
  assert.deepEqual(
    [...labels.keys()].toSorted(),
    'created description documentation licenses revision source title url vendor version'.split(' '),
  )
  const { description, license } = JSON.parse(read('package.json'))
  assert.deepEqual([labels.get('description'), labels.get('licenses')], [description, license])
  const declared = new Set(rests('ARG', 'base').map((each) => each.split('=')[0]))
  for (const value of labels.values())
    for (const [, name] of value.matchAll(/\$\{(\w+)\}/g)) assert.ok(declared.has(name!), name)
})

/** Also of links, whose targets are in the image and not here. */
const exists = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined
