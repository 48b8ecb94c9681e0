import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { query } from 'corelet/plugin/testing'
import { findFreePorts } from '../kit/ports.ts'
import { childrenOf } from '../kit/proc.ts'
import { type Cli, killLeftovers, serveCli } from '../kit/process.ts'

let folder: string
let conf: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'faults-'))
  conf = join(folder, 'Corefile')
  writeFileSync(
    join(folder, 'faulty.ts'),
    `import { existsSync } from 'node:fs'
    const hoard = []
    export default {
      name: 'faulty', summary: 'goes wrong when it is told to', directive: { args: [] },
      start: () => {
        if (existsSync(${JSON.stringify(join(folder, 'die'))})) process.kill(process.pid, 'SIGKILL')
        return (query) => {
          if (query.name === 'stuck.') for (;;);
          if (query.name === 'error.') throw new Error('went wrong')
          if (query.name === 'memory.') for (;;) hoard.push(new Array(100_000).fill(hoard.length))
          return query.reply({}, 'faulty', 'done')
        }
      },
    }`,
  )
  writeFileSync(
    join(folder, 'plugin.cfg'),
    'bind:bind\ndebug:debug\nwhoami:whoami\nmultisocket:multisocket\nprometheus:prometheus\nfaulty:./faulty.ts\n',
  )
})
after(() => {
  killLeftovers()
  rmSync(folder, { recursive: true })
})

const toBlock = (port: number, lines = '') => `.:${port} {\n  bind 127.0.0.1\n  debug\n  faulty\n${lines}}\n`

async function serve(corefile: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<Cli> {
  writeFileSync(conf, corefile)
  return serveCli(['-conf', conf, '-supervise', ...args], { env })
}

const ask = (port: number, name: string, timeout = 10_000) =>
  query({ address: '127.0.0.1', port }, name, 'A', { timeout })

async function stop(cli: Cli): Promise<void> {
  cli.kill('SIGTERM')
  assert.equal((await cli.ended).code, 0)
}

/** Asks over a connection of its own: any worker may take it. */
async function scrape(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } })).text()
}

const faults: [name: string, line: RegExp, reason: string][] = [
  ['stuck.', /\[ERROR\] Worker \d+ has not been heard of for \d+ ms: it is killed\n/, 'stuck'],
  ['error.', /ended with status 2 \(error\), it is replaced; its last words: panic: Error: went wrong\\n/, 'error'],
  ['memory.', /ended by SIG\w+ \(memory\), it is replaced; its last words: FATAL ERROR: .*heap/, 'memory'],
]
for (const [name, line, reason] of faults) {
  const patience = reason === 'stuck' ? '1s' : '1m'
  test(`a worker that ends by ${reason} is replaced, logged and counted`, async () => {
    const [port, admin] = (await findFreePorts(2)) as [number, number]
    const cli = await serve(toBlock(port, `  prometheus 127.0.0.1:${admin}\n`), ['-stuck-after', patience], {
      NODE_OPTIONS: '--max-old-space-size=40',
    })
    await assert.rejects(ask(port, name, 100))
    assert.equal((await ask(port, 'good.')).rcode, 0)
    await cli.printed(line)
    await cli.printed(new RegExp(`ended .*\\(${reason}\\), it is replaced`))
    assert.match(await scrape(admin), new RegExp(`^corelet_worker_restarts_total\\{reason="${reason}"\\} 1$`, 'm'))
    await stop(cli)
  })
}

test('a worker that is only slow gets another one beside it, and none is killed', async () => {
  const [port, admin] = (await findFreePorts(2)) as [number, number]
  const cli = await serve(toBlock(port, `  prometheus 127.0.0.1:${admin}\n`), ['-stuck-after', '8s'])
  const [slow] = childrenOf(cli.pid) as [number]
  process.kill(slow, 'SIGSTOP')
  assert.equal((await ask(port, 'good.')).rcode, 0)
  assert.ok(childrenOf(cli.pid).includes(slow))
  process.kill(slow, 'SIGCONT')
  while (childrenOf(cli.pid).length > 1) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal((await ask(port, 'good.')).rcode, 0)
  assert.doesNotMatch(await scrape(admin), /^corelet_worker_restarts_total/m)
  assert.doesNotMatch(cli.stdout + cli.stderr, /not been heard of/)
  await stop(cli)
})

test('workers that die at their start are replaced with pauses; meanwhile queries wait', async () => {
  const [port] = (await findFreePorts(1)) as [number]
  const cli = await serve(toBlock(port))
  writeFileSync(join(folder, 'die'), '')
  process.kill(childrenOf(cli.pid)[0]!, 'SIGKILL')
  await cli.printed(/ended by SIGKILL/)
  const answer = ask(port, 'patient.')
  await cli.printed(/No worker lives long enough to serve.*it is replaced in 200 ms.*it is replaced in 400 ms/s)
  rmSync(join(folder, 'die'))
  assert.equal((await answer).rcode, 0)
  await cli.printed(/A worker serves again/)
  await stop(cli)
})

test('a Corefile that is broken when a worker starts is tried until it is good', async () => {
  const [port] = (await findFreePorts(1)) as [number]
  const cli = await serve(toBlock(port))
  writeFileSync(conf, '. {\n  nothing\n}')
  process.kill(childrenOf(cli.pid)[0]!, 'SIGKILL')
  await cli.printed(/ended with status 1 \(error\), it is replaced.*; its last words: .*nothing/s)
  writeFileSync(conf, toBlock(port))
  assert.equal((await ask(port, 'good.')).rcode, 0)
  await stop(cli)
})

test('a signal ends it while a worker waits to be replaced', async () => {
  const [port] = (await findFreePorts(1)) as [number]
  const cli = await serve(toBlock(port))
  writeFileSync(join(folder, 'die'), '')
  process.kill(childrenOf(cli.pid)[0]!, 'SIGKILL')
  await cli.printed(/it is replaced in \d+ ms/)
  cli.kill('SIGTERM')
  const { code } = await cli.ended
  rmSync(join(folder, 'die'))
  assert.ok(code === 0 || code === 1, `${code}`)
})

test('listeners that a reload adds are shared by all workers, those that it removes are closed', async () => {
  const [port, added] = (await findFreePorts(2)) as [number, number]
  const two = '  multisocket 2\n'
  const cli = await serve(toBlock(port, two))
  const reload = async (corefile: string, times: number) => {
    writeFileSync(conf, corefile)
    cli.kill('SIGUSR1')
    await cli.printed(new RegExp(`(Reloading complete.*){${times}}`, 's'))
  }
  await untilWorkers(cli, 2)
  await reload(toBlock(port, two) + toBlock(added), 2)
  assert.equal((await ask(added, 'new.')).rcode, 0)
  for (const victim of childrenOf(cli.pid)) {
    process.kill(victim, 'SIGKILL')
    assert.equal((await ask(added, 'new.')).rcode, 0)
    await untilWorkers(cli, 2, victim)
    assert.equal((await ask(port, 'old.')).rcode, 0)
  }
  await reload(toBlock(port), 3)
  await untilWorkers(cli, 1)
  assert.equal((await ask(port, 'old.')).rcode, 0)
  await untilFree(added)
  await stop(cli)
})

test('several workers without the flag: the process becomes the supervisor, and metrics are sums', async () => {
  const [port, admin] = (await findFreePorts(2)) as [number, number]
  const pidfile = join(folder, 'pid')
  const corefile = toBlock(port, `  multisocket 2\n  prometheus 127.0.0.1:${admin}\n`).replace(
    '  faulty\n',
    '  whoami\n',
  )
  const cli = await serveCli(['-conf', 'stdin', '-pidfile', pidfile], { input: corefile })
  await untilWorkers(cli, 2)
  for (let i = 0; i < 40; i++) await ask(port, 'whoami.test.')
  const counted = async () => {
    const text = await scrape(admin)
    return [...text.matchAll(/^coredns_dns_requests_total\{.*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
  }
  for (let i = 0; i < 6; i++) assert.equal(await counted(), 40)
  const [first = 0, second = 0] = childrenOf(cli.pid)
  process.kill(first, 'SIGSTOP')
  assert.equal(await counted(), 40, 'one of them does not answer')
  await untilWorkers(cli, 2, first)
  for (let i = 0; i < 6; i++) assert.equal(await counted(), 40, 'one of them is gone')
  process.kill(second, 'SIGKILL')
  await untilWorkers(cli, 2, second)
  await ask(port, 'whoami.test.')
  for (let i = 0; i < 6; i++) assert.equal(await counted(), 41, 'both are gone')
  assert.match(await scrape(admin), /^coredns_build_info\{.*\} 1$/m)
  await stop(cli)
})

async function untilWorkers(cli: Cli, count: number, without?: number): Promise<void> {
  const end = performance.now() + 10_000
  for (;;) {
    const workers = childrenOf(cli.pid)
    if (workers.length === count && !workers.includes(without ?? -1)) return
    assert.ok(performance.now() < end, `${count} workers, not ${workers}\n${cli.stdout}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Settles when nobody listens on a TCP port. */
async function untilFree(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (isFree) return
    assert.ok(tries < 100, `port ${port} is still taken`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
