import { findFreePorts } from '../../kit/ports.ts'
import { type Cli, serveCli } from '../../kit/process.ts'
import { startUnbound } from '../../kit/unbound.ts'
import { askOverTcp } from '../connections.ts'
import { startClients, UPSTREAM } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

/** A new process joins the port, the old one is told to end, again and again. */
export const scenario: Scenario = {
  name: 'rolling-update',
  event: 'rolling update, old and new side by side, 20 times (5 in short)',
  async run(form) {
    const times = form === 'long' ? 20 : 5
    const upstream = await startUnbound(UPSTREAM)
    const [port = 0] = await findFreePorts(1)
    const corefile = `.:${port} {\n  bind 127.0.0.1\n  errors\n  cache 3600\n  forward . ${upstream.address}\n}\n`
    const start = () => serveCli(['-conf', 'stdin'], { input: corefile })
    let current: Cli | undefined
    try {
      current = await start()
      const clients = await startClients(port, 5000, 10)
      const overTcp = askWhile(port)
      const endings: number[] = []
      for (let i = 0; i < times; i++) {
        const old: Cli = current
        current = await start()
        const begun = performance.now()
        old.kill('SIGTERM')
        await old.ended
        endings.push(Math.round(performance.now() - begun))
      }
      const tcp = await overTcp.stop()
      const tally = await clients.stop()
      const failed = tally.rcodes[2] ?? 0
      return {
        sent: tally.sent + tcp.sent,
        lost: tally.lost + tcp.lost,
        measured: {
          'lost over UDP': tally.lost,
          'lost over TCP': tcp.lost,
          SERVFAIL: failed,
          'worst answer ms': tally.worst,
          'longest end ms': Math.max(...endings),
        },
        goal: '0 lost over UDP and over TCP, a connection for each query',
        met: tally.lost === 0 && tcp.lost === 0 && failed === 0,
      }
    } finally {
      current?.kill('SIGTERM')
      await current?.ended
      await upstream.stop()
    }
  },
}

/** Asks over TCP all the time, with four clients at once. */
function askWhile(port: number): { stop(): Promise<{ sent: number; lost: number }> } {
  const BATCH = 10
  const total = { sent: 0, lost: 0 }
  let stopped = false
  const clients = Array.from({ length: 4 }, async () => {
    while (!stopped) {
      total.lost += await askOverTcp(port, BATCH)
      total.sent += BATCH
    }
  })
  return {
    async stop() {
      stopped = true
      await Promise.all(clients)
      return total
    },
  }
}
