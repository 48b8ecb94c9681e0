import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkDirectives, fakeContext, startServer } from 'corelet/plugin/testing'
import { temporaryFolder } from '../../test/kit/folder.ts'
import { createQueue, splitWords } from './command.ts'
import on from './index.ts'

const folder = temporaryFolder('on')

/** The file's text, once it has that many lines. */
async function appears(file: string, lines: number): Promise<string> {
  for (let tries = 500; tries > 0; tries--) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text.split('\n').length > lines) return text
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`${file} has not ${lines} lines`)
}

test('the directive takes an event and a command', async () => {
  await checkDirectives(on, [
    ['on startup /bin/date', { event: 'startup', command: ['/bin/date'], waits: true }],
    ['on Shutdown echo a b &', { event: 'shutdown', command: ['echo', 'a', 'b'], waits: false }],
    ['on startup sh -c "echo \'a b\' c"', { event: 'startup', command: ['sh', '-c', 'echo', 'a b', 'c'], waits: true }],
    ['on certrenew x', '2:4 on/no-renewal', { event: 'certrenew', command: ['x'], waits: true }],
    ['on', '2:1 wrong-argument-count'],
    ['on startup', '2:4 wrong-argument-count'],
    ['on startup &', '2:12 wrong-argument-count'],
    ['on reload x', '2:4 on/unknown-event'],
    ["on startup echo 'x", '2:12 on/bad-words'],
    ['on startup x {\ny\n}', '3:1 unknown-property'],
  ])
})

test('words are split as by a shell', () => {
  const cases: [text: string, words: string[] | undefined][] = [
    ['a  b\tc', ['a', 'b', 'c']],
    ['"a b" \'c d\'', ['a b', 'c d']],
    ['a"b c"d', ['ab cd']],
    ['a\\ b \\"', ['a b', '"']],
    ['"a\\"b" \'a\\b\'', ['a"b', 'a\\b']],
    ['""', ['']],
    ['', []],
    ['"a', undefined],
    ["a'", undefined],
  ]
  for (const [text, words] of cases) assert.deepEqual(splitWords(text), words, text)
})

test('commands run one after the other; their failures are logged', async () => {
  const { log, lines } = fakeContext({ plugin: 'on' })
  const queue = createQueue()
  const file = join(folder, 'order')
  const shell = (script: string) => ({ command: ['sh', '-c', script], waits: true, log })
  await Promise.all([
    queue(shell(`sleep 0.1; echo one >>${file}`)),
    queue(shell(`echo two >>${file}`)),
    queue({ command: ['/no/such/program'], waits: true, log }),
    queue(shell('exit 3')),
    queue(shell('kill -9 $$')),
  ])
  assert.equal(await readFile(file, 'utf8'), 'one\ntwo\n')
  assert.deepEqual(
    lines.filter((line) => line.startsWith('[ERROR]')),
    [
      '[ERROR] plugin/on: "/no/such/program" could not be run: spawn /no/such/program ENOENT',
      '[ERROR] plugin/on: "sh -c exit 3" ended with status 3',
      '[ERROR] plugin/on: "sh -c kill -9 $$" ended with signal SIGKILL',
    ],
  )
})

test('nobody waits for a command with &', async () => {
  const { log } = fakeContext()
  const [go, done] = [join(folder, 'go'), join(folder, 'done')]
  const script = `while [ ! -e ${go} ]; do sleep 0.02; done; echo done >${done}`
  await createQueue()({ command: ['sh', '-c', script], waits: false, log })
  await writeFile(go, '')
  assert.equal(await appears(done, 1), 'done\n')
})

test('events happen at the start, once after each reload, and at the end', async () => {
  const file = join(folder, 'events')
  const line = (event: string) => `on ${event} sh -c "'echo ${event} >>${file}'"`
  const corefile = `. {\nwhoami\n${line('startup')}\n${line('shutdown')}\n}`
  const server = await startServer(corefile)
  try {
    assert.equal(await appears(file, 1), 'startup\n')
    assert.deepEqual(await server.reload(`${corefile}\na.example {\nwhoami\n}`), { ok: true })
    assert.equal(await appears(file, 2), 'startup\nstartup\n')
  } finally {
    await server.stop()
  }
  assert.equal(await readFile(file, 'utf8'), 'startup\nstartup\nshutdown\n')
})
