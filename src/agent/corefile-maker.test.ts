import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Diagnostic } from '../corefile/model.ts'
import type { Logger } from '../plugin/log.ts'
import { CorefileMaker, type MakerContext } from './corefile-maker.ts'

let folder: string
let lines: string[]
/** How often the server was told to read something again. */
let changes: number
/** What the server says of a Corefile. */
let check: MakerContext['check']
beforeEach(() => {
  changes = 0
  check = async () => []
  folder = mkdtempSync(join(tmpdir(), 'corefile-maker-'))
  lines = []
  mkdirSync(join(folder, 'kube-dns'))
  mkdirSync(join(folder, 'custom'))
  write('Corefile.base', TEMPLATE)
})
afterEach(() => rmSync(folder, { recursive: true }))

const TEMPLATE = '.:53 {\n    bind __PILLAR__LOCAL__DNS__\n    forward . __PILLAR__UPSTREAM__SERVERS__\n}\n'
const WITHOUT_KUBE_DNS = '.:53 {\n    bind 169.254.20.10\n    forward . /etc/resolv.conf\n}\n'

const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
const corefile = () => readFileSync(join(folder, 'out/Corefile'), 'utf8')

function createMaker(more: Partial<MakerContext['options']> = {}, env: MakerContext['env'] = {}): CorefileMaker {
  const add = (text: string) => void lines.push(text)
  const log: Logger = { debug: add, info: add, warning: add, error: add, line: (_, text) => add(text) }
  const options = {
    localIps: ['169.254.20.10'],
    template: join(folder, 'Corefile.base'),
    corefile: join(folder, 'out/Corefile'),
    kubeDnsFolder: join(folder, 'kube-dns'),
    customFolder: join(folder, 'custom'),
    upstreamService: 'kube-dns',
    prometheusAddress: ':9253',
    dnsPort: 53,
    ...more,
  }
  return new CorefileMaker({ options, env, log, check: (each) => check(each), changed: () => void changes++ })
}

test('a Corefile is written once, and again when what it is made from makes another', async () => {
  const maker = createMaker()
  assert.equal(await maker.make(), 'written')
  assert.equal(corefile(), WITHOUT_KUBE_DNS)
  assert.equal(await maker.make(), 'unchanged')
  write('kube-dns/upstreamNameservers', '["192.0.2.1"]')
  assert.equal(await maker.make(), 'written')
  assert.match(corefile(), /forward \. 192\.0\.2\.1/)
  write('kube-dns/other', 'a key that nobody reads')
  assert.equal(await maker.make(), 'unchanged')
  assert.equal(changes, 2)
  assert.deepEqual(readdirSync(join(folder, 'out')), ['Corefile'], 'nothing is left beside it')
})

test('a ConfigMap that is exchanged through ..data is seen', async () => {
  const mount = join(folder, 'mount')
  for (const [version, address] of [
    ['..1', '192.0.2.1'],
    ['..2', '192.0.2.2'],
  ] as const) {
    mkdirSync(join(mount, version), { recursive: true })
    writeFileSync(join(mount, version, 'upstreamNameservers'), `["${address}"]`)
  }
  symlinkSync('..1', join(mount, '..data'))
  symlinkSync('..data/upstreamNameservers', join(mount, 'upstreamNameservers'))
  const maker = createMaker({ kubeDnsFolder: mount })
  await maker.make()
  assert.match(corefile(), /192\.0\.2\.1/)
  symlinkSync('..2', join(mount, '..tmp'))
  renameSync(join(mount, '..tmp'), join(mount, '..data'))
  assert.equal(await maker.make(), 'written')
  assert.match(corefile(), /192\.0\.2\.2/)
})

test('a bad ConfigMap is said once, leaves the last good one in place, and is tried again when it changes', async () => {
  const maker = createMaker()
  write('kube-dns/upstreamNameservers', '["192.0.2.1"]')
  await maker.make()
  write('kube-dns/upstreamNameservers', '["nowhere"]')
  write('kube-dns/stubDomains', '{"a.example": ["192.0.2.9"]}')
  lines = []
  assert.equal(await maker.make(), 'rejected')
  assert.match(lines.join(), /kube-dns\/upstreamNameservers:1:3 \[bad-nameserver\]/)
  assert.match(corefile(), /192\.0\.2\.1/)
  assert.doesNotMatch(corefile(), /a\.example/, 'the other key of a bad ConfigMap has no effect either')
  assert.equal(await maker.make(), 'unchanged')
  write('Corefile.base', TEMPLATE.replace('}', '    log\n}'))
  assert.equal(await maker.make(), 'rejected')
  assert.match(corefile(), /192\.0\.2\.1\n {4}log/, 'a new template goes with the last good ConfigMap')
  write('kube-dns/upstreamNameservers', '["192.0.2.2"]')
  assert.equal(await maker.make(), 'written')
  assert.match(corefile(), /192\.0\.2\.2\n.*\n}\na\.example/)
})

test('a bad ConfigMap at the start is none', async () => {
  write('kube-dns/stubDomains', '{')
  assert.equal(await createMaker().make(), 'rejected')
  assert.equal(corefile(), WITHOUT_KUBE_DNS)
})

test('folders that come later are seen', async () => {
  const maker = createMaker({ kubeDnsFolder: join(folder, 'later') })
  await maker.make()
  mkdirSync(join(folder, 'later'))
  write('later/upstreamNameservers', '["192.0.2.7"]')
  assert.equal(await maker.make(), 'written')
  assert.match(corefile(), /192\.0\.2\.7/)
})

test('without the template, or the service that it names, the Corefile stays', async () => {
  const maker = createMaker()
  await maker.make()
  rmSync(join(folder, 'Corefile.base'))
  assert.equal(await maker.make(), 'rejected')
  assert.match(lines.join('\n'), /\[unreadable-template\]/)
  write('Corefile.base', '. {\n  forward . __PILLAR__CLUSTER__DNS__\n}\n')
  assert.equal(await maker.make(), 'rejected')
  assert.match(lines.join('\n'), /KUBE_DNS_SERVICE_HOST/)
  assert.equal(corefile(), WITHOUT_KUBE_DNS)
})

test('the service comes from the environment, or is an address', async () => {
  write('Corefile.base', '. {\n  forward . __PILLAR__CLUSTER__DNS__\n}\n')
  await createMaker({ upstreamService: 'a-b' }, { A_B_SERVICE_HOST: '10.0.0.7' }).make()
  assert.match(corefile(), /forward \. 10\.0\.0\.7$/m)
  await createMaker({ upstreamService: '10.0.0.8' }).make()
  assert.match(corefile(), /forward \. 10\.0\.0\.8$/m)
  write('service', '10.0.0.8\n')
  const maker = createMaker({ upstreamService: join(folder, 'service') })
  assert.equal(await maker.make(), 'written')
  assert.match(corefile(), /10\.0\.0\.8/)
  write('service', '10.0.0.9\n')
  assert.equal(await maker.make(), 'written', 'the file is followed')
  assert.match(corefile(), /10\.0\.0\.9/)
  write('service', 'kube-dns\n')
  assert.equal(await maker.make(), 'rejected')
  assert.match(corefile(), /10\.0\.0\.9/)
  assert.equal(await createMaker({ upstreamService: 'x' }, { X_SERVICE_HOST: '<nil>' }).make(), 'rejected')
})

test('custom files become lines of the root block and blocks of their own', async () => {
  write('custom/b.server', 'example.org {\n}\n')
  write('custom/a.override', 'log\n')
  write('custom/README', 'nothing\n')
  await createMaker().make()
  assert.equal(
    corefile(),
    `${WITHOUT_KUBE_DNS.replace('\n', `\n    import ${folder}/custom/a.override\n`)}import ${folder}/custom/b.server\n`,
  )
})

test('custom files that change are checked, and read again by the server', async () => {
  write('custom/a.override', 'log\n')
  const maker = createMaker()
  await maker.make()
  write('custom/a.override', 'errors\n')
  assert.equal(await maker.make(), 'written')
  assert.equal(changes, 2)
  check = async ({ file, text }) => [{ ...PROBLEM, file, message: text }]
  write('custom/a.override', 'no good\n')
  assert.equal(await maker.make(), 'rejected')
  assert.equal(changes, 2)
  assert.match(lines.join('\n'), /import .*a\.override/)
})

test('nameservers in a file that the Corefile names are read again when they change', async () => {
  const file = join(folder, 'resolv.conf')
  write('resolv.conf', 'nameserver 192.0.2.1\n')
  write('Corefile.base', `. {\n  forward . ${file}\n  reload\n}\n`)
  const maker = createMaker()
  await maker.make()
  assert.equal(await maker.make(), 'unchanged')
  assert.deepEqual([changes, maker.upstreams, maker.reloads], [1, [file], true])
  write('resolv.conf', 'nameserver 192.0.2.2\n')
  assert.equal(await maker.make(), 'written')
  assert.equal(await maker.make(), 'unchanged')
  assert.equal(changes, 2)
})

test('a doubtful template is used, with a warning', async () => {
  write('kube-dns/upstreamNameservers', '["192.0.2.1"]')
  write('Corefile.base', '. {\n  forward . __PILLAR__UPSTREAM__SERVERS__ {\n    force_tcp\n    max_fails 0\n  }\n}\n')
  assert.equal(await createMaker().make(), 'written')
  assert.match(lines.join('\n'), /Warning: .*\n.*Corefile\.base:3:5 \[forced-tcp\]/)
})

const PROBLEM = {
  code: 'x',
  severity: 'error',
  message: 'no good',
  line: 1,
  column: 1,
  length: 1,
  imports: [],
} as const

test('a Corefile that the server refuses does not take the place of a good one', async () => {
  const maker = createMaker()
  await maker.make()
  const asked: string[] = []
  check = async ({ file, text }): Promise<Diagnostic[]> => {
    asked.push(text)
    return text.includes('bad') ? [{ ...PROBLEM, file }] : []
  }
  write('Corefile.base', 'bad {\n}\n')
  assert.equal(await maker.make(), 'rejected')
  assert.equal(corefile(), WITHOUT_KUBE_DNS)
  assert.match(lines.join('\n'), /no good/)
  write('Corefile.base', 'good {\n}\n')
  assert.equal(await maker.make(), 'written')
  assert.deepEqual(asked, ['bad {\n}\n', 'good {\n}\n'])
})

test('a file that is a mount of its own is written in place', { skip: process.getuid?.() !== 0 }, async () => {
  mkdirSync(join(folder, 'out'))
  write('out/Corefile', 'old')
  const file = join(folder, 'out/Corefile')
  execFileSync('mount', ['--bind', file, file])
  try {
    assert.equal(await createMaker().make(), 'written')
    assert.equal(corefile(), WITHOUT_KUBE_DNS)
    assert.deepEqual(readdirSync(join(folder, 'out')), ['Corefile'])
  } finally {
    execFileSync('umount', [file])
  }
})
