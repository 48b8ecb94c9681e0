/** Rolling updates: a new process joins the port, the old one is told to end, again and again. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClientProto } from 'corelet/plugin/testing'
import { makeCertificate } from '../kit/certificate.ts'
import { findFreePorts } from '../kit/ports.ts'
import { type Cli, serveCli } from '../kit/process.ts'
import { startUnbound } from '../kit/unbound.ts'
import { askNewly } from './connections.ts'
import { startClients, UPSTREAM } from './rig.ts'
import type { Form, Row } from './scenario.ts'

interface Rolling {
  /** What clients beside those over UDP speak, on a new connection for each query; `tcp` when left out. */
  proto?: Exclude<ClientProto, 'udp'>
  /** Flags of the server. */
  args?: readonly string[]
  env?: Record<string, string>
  /** Queries over connections that may be lost, for each update. */
  allowed?: number
}

const SCHEMES = { tcp: '', tls: 'tls://', https: 'https://' }

/** Updates under load, 20 times in the long form and 3 in the short one. */
export async function runRollingUpdates(form: Form, rolling: Rolling = {}): Promise<Row> {
  const { proto = 'tcp', args = [], env = {}, allowed = 0 } = rolling
  const times = form === 'long' ? 20 : 3
  const folder = await mkdtemp(join(tmpdir(), 'rolling-'))
  const upstream = await startUnbound(UPSTREAM)
  const [port = 0, secure = 0] = await findFreePorts(2)
  const { cert, key } = await makeCertificate(folder, 'dns.example')
  const block = (scheme: string, at: number, more = '') =>
    `${scheme}.:${at} {\n  bind 127.0.0.1\n${more}  errors\n  cache 3600\n  forward . ${upstream.address}\n}\n`
  const further = proto === 'tcp' ? '' : block(SCHEMES[proto], secure, `  tls ${cert} ${key}\n`)
  const start = () => serveCli(['-conf', 'stdin', ...args], { input: block('', port) + further, env })
  let current: Cli | undefined
  try {
    current = await start()
    const clients = await startClients(port, 5000, 10)
    const connecting = askWhile(proto === 'tcp' ? port : secure, proto)
    const endings: number[] = []
    for (let i = 0; i < times; i++) {
      const old: Cli = current
      current = await start()
      const begun = performance.now()
      old.kill('SIGTERM')
      await old.ended
      endings.push(Math.round(performance.now() - begun))
    }
    const connected = await connecting.stop()
    const tally = await clients.stop()
    const failed = tally.rcodes[2] ?? 0
    return {
      sent: tally.sent + connected.sent,
      lost: tally.lost + connected.lost,
      measured: {
        'lost over UDP': tally.lost,
        [`lost over ${proto.toUpperCase()}`]: `${connected.lost} of ${connected.sent}`,
        SERVFAIL: failed,
        'worst answer ms': tally.worst,
        'longest end ms': Math.max(...endings),
      },
      goal: `0 lost over UDP, ${allowed === 0 ? '0' : `at most ${allowed} for each update`} over ${proto.toUpperCase()}, a connection for each query`,
      met: tally.lost === 0 && connected.lost <= allowed * times && failed === 0,
    }
  } finally {
    current?.kill('SIGTERM')
    await current?.ended
    await upstream.stop()
    await rm(folder, { recursive: true })
  }
}

/** Asks over new connections all the time, with four clients at once. */
function askWhile(port: number, proto: ClientProto): { stop(): Promise<{ sent: number; lost: number }> } {
  const BATCH = 10
  const total = { sent: 0, lost: 0 }
  let stopped = false
  const clients = Array.from({ length: 4 }, async () => {
    while (!stopped) {
      total.lost += await askNewly(port, BATCH, proto)
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
