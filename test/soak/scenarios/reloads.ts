import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFiles, residentMemory } from '../../kit/proc.ts'
import { serveCli } from '../../kit/process.ts'
import { startUnbound } from '../../kit/unbound.ts'
import { startClients, UPSTREAM } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

const MEMORY_MIB = 40

/** What the Corefile has besides cache and forward, one after the other; each third one is broken in its way. */
const VARIANTS = [
  (i: number) => `hosts {\n    192.0.2.${i % 256} a.test\n    fallthrough\n  }`,
  (i: number) => `log\n  template_${i}`,
  (i: number) => `hosts {\n    192.0.2.${i % 256} b.test\n    fallthrough\n  }\n  ready 127.0.0.1:0`,
  () => 'prometheus 127.0.0.1:0\n  health 127.0.0.1:0',
  () => 'health 192.0.2.1:1',
  () => 'loadbalance',
]

/** Reloads one after the other under load; what they leave behind is looked at in the end. */
export const scenario: Scenario = {
  name: 'reloads',
  event: 'reload of a changed Corefile, 1000 times (60 in short), every third one broken',
  async run(form) {
    const times = form === 'long' ? 1000 : 60
    const folder = mkdtempSync(join(tmpdir(), 'reloads-'))
    const conf = join(folder, 'Corefile')
    const upstream = await startUnbound(UPSTREAM)
    const write = (i: number) =>
      writeFileSync(
        conf,
        `.:0 {\n  bind 127.0.0.1\n  errors\n  ${VARIANTS[i % VARIANTS.length]!(i)}\n  cache 3600\n  forward . ${upstream.address}\n}\n`,
      )
    write(0)
    const server = await serveCli(['-conf', conf]).catch(async (error) => {
      await upstream.stop()
      rmSync(folder, { recursive: true })
      throw error
    })
    const { pid, port } = server
    /** Reloads once and waits until the log says how it went. */
    const reload = async (i: number) => {
      write(i)
      const done = countOf(server.stdout)
      server.kill('SIGUSR1')
      const end = performance.now() + PATIENCE
      while (countOf(server.stdout) === done) {
        if (performance.now() > end) throw new Error('the reload did not end')
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    try {
      const warm = await startClients(port, 5000, 10)
      // the heap grows until a garbage collection seems worth it: only then is more a leak
      for (let i = 1; i <= Math.max(30, times / 2); i++) await reload(i)
      await warm.stop()
      await settled()
      const [files, memory] = [openFiles(pid), residentMemory(pid)]
      const clients = await startClients(port, 5000, 10)
      for (let i = 1; i <= times; i++) await reload(i)
      const tally = await clients.stop()
      await settled()
      const moreFiles = openFiles(pid) - files
      const grown = Math.round(residentMemory(pid) - memory)
      const failed = server.stdout.match(/Restart failed/g)?.length ?? 0
      return {
        sent: tally.sent,
        lost: tally.lost,
        measured: {
          'reloads that failed': failed,
          SERVFAIL: tally.rcodes[2] ?? 0,
          'file descriptors more': moreFiles,
          'memory grown MiB': grown,
          'worst answer ms': tally.worst,
        },
        goal: `0 lost, no SERVFAIL, file descriptors as before, memory < +${MEMORY_MIB} MiB`,
        met: tally.lost === 0 && !tally.rcodes[2] && moreFiles <= 64 && grown < MEMORY_MIB,
      }
    } finally {
      server.kill('SIGTERM')
      await server.ended
      await upstream.stop()
      rmSync(folder, { recursive: true })
    }
  },
}

/** Milliseconds for one reload. */
const PATIENCE = 10_000

function countOf(output: string): number {
  return output.match(/Reloading complete|Restart failed/g)?.length ?? 0
}

/** The old generations have ended: they may wait five seconds for queries in work. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 6000))
}
