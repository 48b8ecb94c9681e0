/** The agent of a node as a child process, in a network of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNetns, type Netns } from './netns.ts'
import { type Cli, type CliOptions, type CliResult, runCli, startCli } from './process.ts'

/** Milliseconds. */
const PATIENCE = 10_000
const LOOK = 20

/** A node without a cluster: a network, and a folder for files. */
export interface TestNode {
  readonly netns: Netns
  /** What runs a command in its network, see {@link CliOptions.inside}. */
  readonly inside: readonly string[]
  /** Path of a file in its folder. */
  path(name: string): string
  write(name: string, text: string): string
  /** Runs `corelet` in the network to its end. */
  run(...args: string[]): Promise<CliResult>
  /** Starts an agent there, with these flags beside those for its files. */
  start(args: readonly string[], options?: CliOptions): Cli
  /** Starts an agent and waits until queries are led to it. */
  serve(args: readonly string[], options?: CliOptions): Promise<Cli>
  remove(): void
}

/** Makes a node; the template of its Corefile is `Corefile.base`. */
export function createTestNode(template: string): TestNode {
  const netns = createNetns('agent')
  const folder = mkdtempSync(join(tmpdir(), 'agent-'))
  const inside = ['ip', 'netns', 'exec', netns.name]
  const path = (name: string) => join(folder, name)
  const write = (name: string, text: string) => {
    writeFileSync(path(name), text)
    return path(name)
  }
  const files = ['-basecorefile', write('Corefile.base', template), '-conf', path('Corefile')]
  const start: TestNode['start'] = (args, options) => startCli([...files, ...args], { inside, ...options })
  return {
    netns,
    inside,
    path,
    write,
    run: (...args) => runCli(args, { inside }),
    start,
    async serve(args, options) {
      const cli = start(args, options)
      await cli.printed(/are led here/)
      return cli
    },
    remove() {
      netns.remove()
      rmSync(folder, { recursive: true })
    },
  }
}

/** Waits until something holds. @throws (rejects) Error after 10 s */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + PATIENCE
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what} did not come to be`)
    await new Promise((resolve) => setTimeout(resolve, LOOK))
  }
}
