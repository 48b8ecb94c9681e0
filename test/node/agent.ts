/** The agent of the rig's node, in processes of its own. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Netns } from '../kit/netns.ts'
import { childrenOf, programOf } from '../kit/proc.ts'
import { ROOT } from '../kit/sources.ts'
import { ANSWERS, WHO } from './names.ts'
import { ADDRESSES } from './network.ts'

const MAIN = join(ROOT, 'src/cli/main.ts')
const PATIENCE = 60_000

/** The stock Corefile, as far as it matters here, and a zone of the agent's own. */
const TEMPLATE = `cluster.local:53 {
  errors
  cache {
    success 9984 30
    denial 9984 5
  }
  reload
  loop
  bind __PILLAR__LOCAL__DNS__
  forward . __PILLAR__CLUSTER__DNS__ {
    force_tcp
  }
  prometheus :9253
  health HEALTH:8080
}
agent.test:53 {
  errors
  bind __PILLAR__LOCAL__DNS__
  hosts {
    ${ANSWERS.agent} ${WHO}
    no_reverse
  }
}
`

export interface Agent {
  readonly pid: number
  /** What it has written so far. */
  readonly output: string
  /** Settles when its output matches. @throws (rejects) Error when it ended before, or after a minute */
  printed(pattern: RegExp): Promise<void>
  /** Process ids of the workers. */
  workers(): number[]
  kill(signal: NodeJS.Signals): void
  /** Kills all of its processes at once, as the end of a container does. One that has ended stays so. */
  killAll(): Promise<void>
  /** Ends it by SIGTERM. @returns its status */
  stop(): Promise<number | null>
  readonly ended: Promise<number | null>
}

/** What the agent says when queries are led to it. */
export const LEADING = /are led here \(/

let count = 0

/** A child may have ended by itself since it was listed. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Starts an agent with the arguments of the stock manifest. */
export function launchAgent(node: Netns, localIps: readonly string[], args: readonly string[] = []): Agent {
  const folder = join(node.runFolder, `agent-${++count}`)
  mkdirSync(folder)
  const flag = args.indexOf('-localip')
  const [first = ''] = flag < 0 ? localIps : args[flag + 1]!.split(',')
  const health = first.includes(':') ? `[${first}]` : first
  writeFileSync(join(folder, 'Corefile.base'), TEMPLATE.replace('HEALTH', health))
  const upstream = first.includes(':') ? ADDRESSES.ipv6.upstream : ADDRESSES.ipv4.upstream
  const flags = {
    '-localip': localIps.join(','),
    '-conf': join(folder, 'Corefile'),
    '-basecorefile': join(folder, 'Corefile.base'),
    '-upstreamsvc': 'kube-dns-upstream',
    '-pidfile': join(folder, 'node-cache.pid'),
  }
  const command = [process.execPath, MAIN, ...Object.entries(flags).flat(), ...args]
  const child = node.start('env', [`KUBE_DNS_UPSTREAM_SERVICE_HOST=${upstream}`, ...command])
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  let output = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk
      for (const listener of listeners) listener()
    })
  }
  let dead = false
  const ended = once(child, 'close').then(() => {
    process.off('exit', kill)
    dead = true
    for (const listener of listeners) listener()
    return child.exitCode
  })
  const pid = child.pid!
  return {
    pid,
    ended,
    get output() {
      return output
    },
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          clearTimeout(timer)
          listeners.delete(look)
          act()
        }
        const fail = (why: string) => settle(() => reject(new Error(`${why} before ${pattern}\n${output}`)))
        const look = () => {
          if (pattern.test(output)) settle(resolve)
          else if (dead) fail('the agent ended')
        }
        const timer = setTimeout(fail, PATIENCE, 'time was over')
        listeners.add(look)
        look()
      }),
    workers: () => childrenOf(pid).filter((each) => !['nft', ''].includes(programOf(each))),
    kill: (signal) => void child.kill(signal),
    async killAll() {
      if (!dead) for (const each of [pid, ...childrenOf(pid)]) killIfThere(each)
      await ended
    },
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}
