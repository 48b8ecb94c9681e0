import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCli } from '../kit/process.ts'

const FIVE = `a..b {
  whomi
}
. {
  cache {
    success many
  }
  bind nowhere
  whoami x
}
`
const CODES = ['key-bad-zone', 'unknown-directive', 'bad-integer', 'bind/not-an-address', 'wrong-argument-count']

test('corelet check reports all mistakes with their positions', async () => {
  const { code, stdout, stderr } = await runCli(['check', 'stdin'], { input: FIVE })
  assert.deepEqual([code, stderr], [1, ''])
  const places = [...stdout.matchAll(/^ {2}--> \/dev\/stdin:(\d+):(\d+) \[(.*)\]$/gm)].map(([, ...place]) => place)
  assert.deepEqual(places, [
    ['1', '1', CODES[0]],
    ['2', '3', CODES[1]],
    ['6', '13', CODES[2]],
    ['8', '8', CODES[3]],
    ['9', '10', CODES[4]],
  ])
  assert.match(stdout, /hint: did you mean whoami\?/)
})

test('corelet check --format json gives them to programs', async () => {
  const { code, stdout } = await runCli(['check', '--format', 'json', 'stdin'], { input: FIVE })
  assert.equal(code, 1)
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; line: number }[] }
  assert.deepEqual(
    diagnostics.map((each) => each.code),
    CODES,
  )
})

test('a Corefile without errors has status 0 and no output, and nothing is started', async () => {
  const input = '. {\n  bind 127.0.0.1\n  health 192.0.2.1:8080\n  whoami\n}\n'
  assert.deepEqual(await runCli(['check', 'stdin'], { input }), { code: 0, stdout: '', stderr: '' })
})

test('warnings are shown and are no errors', async () => {
  const { code, stdout } = await runCli(['check', 'stdin'], { input: 'udp://.:53 {\n  whoami\n}\n' })
  assert.equal(code, 0)
  assert.match(stdout, /\[unknown-scheme\]/)
})

const misuse: [args: string[], code: number, text: RegExp][] = [
  [['check'], 2, /^one FILE is needed\nUsage: corelet check/],
  [['check', 'a', 'b'], 2, /^one FILE is needed/],
  [['check', '--format', 'xml', 'a'], 2, /^unknown format: xml/],
  [['check', '--dns-port', 'x', 'a'], 2, /^invalid port: x/],
  [['check', '--loud', 'a'], 2, /'--loud'/],
  [['check', '/no/such/file'], 1, /no such file or directory/],
]
for (const [args, status, text] of misuse) {
  test(`corelet ${args.join(' ')} has status ${status}`, async () => {
    const { code, stderr } = await runCli(args)
    assert.equal(code, status)
    assert.match(stderr, text)
  })
}

test('corelet check --help shows how it is used', async () => {
  const { code, stdout } = await runCli(['check', '--help'])
  assert.equal(code, 0)
  assert.match(stdout, /^Usage: corelet check FILE/)
})
