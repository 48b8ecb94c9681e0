import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { query } from 'corelet/plugin/testing'
import { temporaryFolder } from '../kit/folder.ts'
import { type CliOptions, killLeftovers, runCli, serveCli, startCli } from '../kit/process.ts'

const folder = temporaryFolder('cli')
after(killLeftovers)

const WHOAMI = '.:0 {\n  bind 127.0.0.1\n  whoami\n}\n'

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** Starts, asks, ends with SIGTERM. */
async function serveAndAsk(args: string[], options: CliOptions = {}): Promise<string> {
  const cli = await serveCli(args, options)
  const { port } = cli
  const answer = await query({ address: '127.0.0.1', port }, 'example.org.', 'A')
  assert.equal(answer.additionals.length, 2)
  cli.kill('SIGTERM')
  const { code, stdout, stderr } = await cli.ended
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  return stdout.replaceAll(String(port), 'PORT')
}

test('the start prints zones, sorted, and the banner', async () => {
  const conf = write('zones', '.:0 b.example.:0 a.example.:0 1x.example.:0 {\n  bind 127.0.0.1\n  whoami\n}\n')
  const stdout = await serveAndAsk(['-conf', conf])
  assert.match(
    stdout,
    new RegExp(
      '^\\.:PORT on 127\\.0\\.0\\.1\n' +
        'Warning: Domain "1x\\.example\\." does not follow RFC1035 preferred syntax\n' +
        '1x\\.example\\.:PORT on 127\\.0\\.0\\.1\n' +
        'a\\.example\\.:PORT on 127\\.0\\.0\\.1\nb\\.example\\.:PORT on 127\\.0\\.0\\.1\n' +
        'corelet-\\d+\\.\\d+\\.\\d+\n\\w+/\\w+, node v24\\.\\S+, \\w*\n' +
        '\\[INFO\\] SIGTERM: Shutting down servers then terminating\n$',
    ),
  )
})

test('-log-format=json writes log lines as JSON', async () => {
  const conf = write('json', '.:0 {\n  bind 127.0.0.1\n  whoami\n  log\n}\n')
  const stdout = await serveAndAsk(['-conf', conf, '-log-format=json'])
  const logged = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
  assert.match(logged[0].msg, /"A IN example\.org\. udp/)
  assert.equal(logged[0].level, 'info')
  assert.equal(logged.at(-1).msg, 'SIGTERM: Shutting down servers then terminating')
})

test('an unknown log format is wrong usage', async () => {
  const { code, stderr } = await runCli(['-log-format', 'xml'])
  assert.equal(code, 2)
  assert.match(stderr, /^invalid value "xml" for flag -log-format: not text or json\nUsage of corelet/)
})

for (const flag of [['-conf', ''], ['--conf', ''], ['-conf='], ['--conf=']]) {
  test(`the Corefile is given as ${flag.join(' ')}FILE`, async () => {
    const conf = write('plain', WHOAMI)
    await serveAndAsk(flag.length === 2 ? [flag[0]!, conf] : [flag[0]! + conf])
  })
}

test('the Corefile is read from standard input', async () => {
  await serveAndAsk(['-conf', 'stdin'], { input: WHOAMI })
})

test('the Corefile of the working folder is the default', async () => {
  write('Corefile', WHOAMI)
  await serveAndAsk([], { cwd: folder })
})

test('without a Corefile, or with an empty one, it is whoami and log', async () => {
  const stdout = await serveAndAsk(['-conf', 'stdin', '-dns.port', '0'], { input: '# nothing\n' })
  assert.match(stdout, /^\[WARNING\] the Corefile has no server block.*\n\.:PORT\n/)
  assert.match(stdout, /\[INFO\] 127\.0\.0\.1:\d+ - \d+ "A IN example\.org\. udp/)
})

test('-dns.port and -p are one setting, the last counts', async () => {
  const conf = write('noport', '. {\n  bind 127.0.0.1\n  whoami\n}\n')
  await serveAndAsk(['-conf', conf, '-dns.port', '1', '-p=0'])
  await serveAndAsk(['-conf', conf, '-p', '1', '-dns.port', '0'])
})

test('-quiet leaves out zones and banner', async () => {
  const conf = write('quiet', '.:0 {\n  bind 127.0.0.1\n  whoami\n  reload\n}\n')
  const cli = startCli(['-conf', conf, '-quiet'])
  await cli.printed(/Running configuration/)
  cli.kill('SIGTERM')
  assert.match((await cli.ended).stdout, /^\[INFO\] plugin\/reload: .*\n\[INFO\] SIGTERM/)
})

test('--hint says what to type', async () => {
  const conf = write('hint', WHOAMI)
  const stdout = await serveAndAsk(['-conf', conf, '--hint'])
  assert.match(stdout, /\ntry: dig @127\.0\.0\.1 -p PORT example\.org\n/)
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) {
  test(`-pidfile holds the process id until ${signal} ends it`, async () => {
    const conf = write('pid', WHOAMI)
    const pidfile = join(folder, 'corelet.pid')
    const cli = await serveCli(['-conf', conf, '-pidfile', pidfile])
    assert.equal(readFileSync(pidfile, 'utf8'), `${cli.pid}\n`)
    assert.equal(statSync(pidfile).mode & 0o777, 0o644)
    cli.kill(signal)
    assert.equal((await cli.ended).code, 0)
    assert.equal(existsSync(pidfile), false)
  })
}

test('a pidfile that cannot be written is only logged', async () => {
  const conf = write('badpid', WHOAMI)
  assert.match(await serveAndAsk(['-conf', conf, '-pidfile', '/no/such/folder/x']), /\[ERROR\] .*pidfile/)
})

test('-version prints the banner', async () => {
  const { code, stdout, stderr } = await runCli(['-version'])
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^corelet-\S+\n\w+\/\w+, node v\S+, \w*\n$/)
})

test('-plugins lists the plugins and an empty line', async () => {
  const { code, stdout } = await runCli(['-plugins'])
  const lines = stdout.split('\n')
  assert.equal(code, 0)
  assert.deepEqual(lines.slice(-2), ['', ''])
  const names = lines.slice(0, -2)
  assert.ok(names.includes('whoami') && names.includes('cache'))
  assert.deepEqual(names, [...names].sort())
})

const failures: [title: string, args: string[], code: number, stderr: RegExp, input?: string][] = [
  ['an unknown flag', ['-x'], 2, /^flag provided but not defined: -x\nUsage/],
  ['a flag without its value', ['-conf'], 2, /^flag needs an argument: -conf\nUsage/],
  ['a bad port', ['-p', '99999'], 2, /^invalid value "99999" for flag -p/],
  ['a bad boolean', ['-quiet=maybe'], 2, /^invalid boolean value "maybe" for -quiet/],
  ['-h', ['-h'], 0, /^Usage of corelet/],
  ['leftover words', ['-quiet', 'a', 'b'], 1, /^extra command line arguments: \[a b\]\n$/],
  ['a missing Corefile', ['-conf', '/no/such'], 1, /^loading Caddyfile via flag: open \/no\/such: no such file/],
  [
    'an unknown directive',
    ['-conf', 'stdin'],
    1,
    /^\/dev\/stdin:2 - Error.*Unknown directive 'whomi'/,
    '. {\n  whomi\n}',
  ],
  ['a missing plugin', ['-conf', 'stdin'], 1, /no action found for directive 'nomad'/, '. {\n  nomad\n}'],
  [
    'an address of another machine',
    ['-conf', 'stdin'],
    1,
    /^Listen: listen tcp 192\.0\.2\.1:\d+: bind: cannot assign/,
    '.:1053 {\n  bind 192.0.2.1\n  whoami\n}',
  ],
  ['a bad key', ['-conf', 'stdin'], 1, /error inspecting server blocks: zone is not a valid/, 'a..b {\n  whoami\n}'],
]
for (const [title, args, code, stderr, input = ''] of failures) {
  test(`${title} ends it with status ${code}`, async () => {
    const result = await runCli(args, { input })
    assert.match(result.stderr, stderr)
    assert.deepEqual([result.code, result.stdout], [code, ''])
  })
}

test('a port that is taken ends it with status 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as { port: number }
  const { code, stderr } = await runCli(['-conf', 'stdin'], { input: `.:${port} {\n  bind 127.0.0.1\n  whoami\n}` })
  taken.close()
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`^Listen: listen tcp 127\\.0\\.0\\.1:${port}: bind: address already in use\n$`))
})

test('-plugins lists what the plugin list beside the Corefile names, and says what is wrong with it', async () => {
  const conf = write('Corefile', '.:0 {\n  mine\n}')
  write('plugin.cfg', 'whoami:whoami\nmine:./mine.ts\n')
  const listed = await runCli(['-plugins', '-conf', conf])
  assert.deepEqual(listed, { code: 0, stdout: 'mine (./mine.ts)\nwhoami\n\n', stderr: '' })
  write('plugin.cfg', 'whoami:whoam\n')
  const wrong = await runCli(['-plugins', '-conf', conf])
  rmSync(join(folder, 'plugin.cfg'))
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /plugin\.cfg:1:1 \[plugin-unknown\]\n[\s\S]*did you mean whoami\?/)
})

test('-builtin-plugins-only refuses a plugin from outside, and so does check', async () => {
  write('mine.ts', "export default { name: 'mine', summary: 's', directive: { args: [] } }")
  const conf = write('Corefile', '.:0 {\n  mine\n}')
  write('plugin.cfg', 'mine:./mine.ts\n')
  const run = await runCli(['-builtin-plugins-only', '-conf', conf])
  const check = await runCli(['check', '--builtin-plugins-only', conf])
  const free = await runCli(['check', conf])
  for (const name of ['plugin.cfg', 'mine.ts']) rmSync(join(folder, name))
  assert.deepEqual([run.code, check.code, free.code], [1, 1, 0])
  assert.match(run.stderr, /plugin 'mine' comes from outside \(\.\/mine\.ts\), which is forbidden/)
  assert.match(check.stdout, /\[plugin-forbidden\]/)
})

test('a plugin that cannot start ends it with status 1 and its name', async () => {
  write(
    'fails.ts',
    "export default { name: 'fails', summary: 's', directive: { args: [] }, start() { throw new Error('no luck') } }",
  )
  const conf = write('Corefile', '.:0 {\n  fails\n}')
  write('plugin.cfg', 'fails:./fails.ts\n')
  const { code, stderr } = await runCli(['-conf', conf])
  rmSync(join(folder, 'plugin.cfg'))
  assert.deepEqual({ code, stderr }, { code: 1, stderr: `plugin/fails: no luck (${join(folder, 'fails.ts')}:1)\n` })
})
