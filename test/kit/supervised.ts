/** A server with a supervisor, as a child process, and what can happen to its workers under load. */

import { query } from 'corelet/plugin/testing'
import { toPacket } from '../../src/server/testing.ts'
import { childrenOf } from './proc.ts'
import { type Cli, type CliOptions, serveCli } from './process.ts'
import { type Tally, Traffic } from './traffic.ts'

const PATIENCE = 15_000
/** Milliseconds between two looks. */
const LOOK = 10

/** The name that every server of this kit knows the address of. */
const NAME = 'hot.test.'

export interface SupervisedOptions extends Omit<CliOptions, 'input'> {
  /** Further flags. */
  args?: readonly string[]
  /** Further lines of the server block. */
  plugins?: string
  /** Workers; 1 when left out. */
  workers?: number
}

export interface Supervised {
  readonly cli: Cli
  /** Process ids of the workers that live. */
  workers(): number[]
  /** Settles with the workers when there are as many as there should be, none of them is `old`, and queries are answered. */
  replaced(old: number): Promise<number[]>
  /** Clients that ask for a name that needs nobody else. */
  traffic(rate: number): Promise<Traffic>
}

/** Starts a server that answers `hot.test.`, and waits until all its workers serve. */
export async function startSupervised(options: SupervisedOptions = {}): Promise<Supervised> {
  const { args = [], plugins = '', workers: count = 1, ...rest } = options
  const corefile = `.:0 {
  bind 127.0.0.1
  errors
  multisocket ${count}
  prometheus 127.0.0.1:0
  ${plugins}
  hosts {
    192.0.2.1 ${NAME}
  }
}
`
  const cli = await serveCli(['-conf', 'stdin', '-supervise', ...args], { ...rest, input: corefile })
  const workers = () => childrenOf(cli.pid)
  const replaced = async (old: number) => {
    const end = performance.now() + PATIENCE
    while (workers().includes(old) || workers().length !== count) {
      if (performance.now() > end) throw new Error(`${old} was not replaced: ${workers()}\n${cli.stdout}${cli.stderr}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK))
    }
    await query({ address: '127.0.0.1', port: cli.port }, NAME, 'A')
    return workers()
  }
  await replaced(0)
  const packet = toPacket(NAME)
  return {
    cli,
    workers,
    replaced,
    traffic: (rate) => Traffic.start({ port: cli.port, rate, packet: () => packet }),
  }
}

/** Signals a worker `times` times under load, each time another one, and waits until it is replaced. */
export async function loseWorkers(
  server: Supervised,
  { signal, times, rate }: { signal: NodeJS.Signals; times: number; rate: number },
): Promise<Tally> {
  const traffic = await server.traffic(rate)
  await traffic.until(rate / 2)
  for (let i = 0; i < times; i++) {
    const [victim] = server.workers()
    process.kill(victim!, signal)
    await server.replaced(victim!)
    await traffic.until(traffic.sent + rate / 2)
  }
  return traffic.stop()
}
