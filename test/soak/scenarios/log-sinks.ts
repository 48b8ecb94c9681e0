import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { query } from 'corelet/plugin/testing'
import { findFreePorts } from '../../kit/ports.ts'
import { residentMemory } from '../../kit/proc.ts'
import { ROOT } from '../../kit/sources.ts'
import { Traffic } from '../../kit/traffic.ts'
import { toQuery } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

const MEMORY_MIB = 10

type Sink = 'full' | 'closed' | 'stalled'

/** Every query is logged, to a place that takes nothing. */
export const scenario: Scenario = {
  name: 'log-sinks',
  event: 'log full (/dev/full), closed (pipe without a reader) or stalled (pipe nobody reads), as text and as JSON',
  async run(form) {
    const queries = form === 'long' ? 40_000 : 4000
    const row = { sent: 0, lost: 0, measured: {} as Record<string, number | string>, goal: '', met: true }
    for (const format of ['text', 'json']) {
      for (const sink of ['full', 'closed', 'stalled'] as const) {
        const { sent, lost, grown } = await runWith(sink, format, queries)
        row.sent += sent
        row.lost += lost
        row.measured[`memory MiB, ${sink}, ${format}`] = grown
        row.met &&= lost === 0 && grown < MEMORY_MIB
      }
    }
    row.goal = `0 lost, memory < +${MEMORY_MIB} MiB over a warm server`
    return row
  },
}

async function runWith(sink: Sink, format: string, queries: number) {
  const [port = 0] = await findFreePorts(1)
  const server = start(sink, format, `.:${port} {\n  bind 127.0.0.1\n  log\n  whoami\n}\n`)
  try {
    await answers(port)
    if (sink === 'closed') server.stdout!.destroy()
    const ask = async (count: number) => {
      const traffic = await Traffic.start({ port, rate: 5000, packet: () => question })
      await traffic.until(count)
      return traffic.stop()
    }
    const warm = await ask(queries)
    const memory = residentMemory(server.pid!)
    const tally = await ask(queries)
    const grown = Math.round(residentMemory(server.pid!) - memory)
    return { sent: warm.sent + tally.sent, lost: warm.lost + tally.lost, grown }
  } finally {
    server.kill('SIGKILL')
  }
}

const question = toQuery('names.test.')

function start(sink: Sink, format: string, corefile: string): ChildProcess {
  const out = sink === 'full' ? openSync('/dev/full', 'w') : 'pipe'
  const args = [join(ROOT, 'src/cli/main.ts'), '-conf', 'stdin', '-log-format', format]
  const child = spawn(process.execPath, args, { stdio: ['pipe', out, 'inherit'] })
  if (typeof out === 'number') closeSync(out)
  child.stdin!.end(corefile)
  child.stdout?.pause()
  return child
}

/** Settles when the server answers. @throws (rejects) Error after ten seconds */
async function answers(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await query({ address: '127.0.0.1', port }, 'names.test.', 'A', { timeout: 100 })
      return
    } catch (error) {
      if (tries >= 100) throw error
    }
  }
}
