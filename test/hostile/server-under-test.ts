/** A server in a process of its own with two blocks: one whose chain answers all by itself, one that asks an upstream. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeServer, type Received, startFakeServer, toAnswer } from '../../src/upstream/testing.ts'
import { makeCertificate } from '../kit/certificate.ts'
import { findFreePorts } from '../kit/ports.ts'
import { type Cli, serveCli } from '../kit/process.ts'
import type { Transport } from './transports.ts'

export interface ServerUnderTest {
  cli: Cli
  /** Port of the block that answers by itself, with `whoami`. */
  own: number
  /** Port of the block with `cache` and `forward`. */
  forwarding: number
  upstream: FakeServer
  /** What upstream does with a query; answers with an address until it is changed. */
  respond: (query: Received) => void
  /** Sum of a metric over all its labels. */
  metric(name: string): Promise<number>
  stop(): Promise<void>
}

export async function startServerUnderTest(
  { env, scheme }: Pick<Transport, 'env' | 'scheme'>,
  forward = '',
): Promise<ServerUnderTest> {
  const [own = 0, forwarding = 0, metrics = 0] = await findFreePorts(3)
  const upstream = await startFakeServer({ respond: (query) => server.respond(query) })
  const folder = await mkdtemp(join(tmpdir(), 'hostile-'))
  const { cert = '', key = '' } = scheme === '' ? {} : await makeCertificate(folder, 'dns.example')
  const common = `  bind 127.0.0.1\n  prometheus 127.0.0.1:${metrics}\n${cert ? `  tls ${cert} ${key}\n` : ''}`
  const corefile = [
    `${scheme}.:${own} {\n${common}  whoami\n}`,
    `${scheme}.:${forwarding} {\n${common}  errors\n  cache\n`,
    `  forward . 127.0.0.1:${upstream.port} {\n${forward}  }\n}\n`,
  ]
  const cli = await serveCli(['-conf', 'stdin'], { input: corefile.join('\n'), env })
  const server: ServerUnderTest = {
    cli,
    own,
    forwarding,
    upstream,
    respond: (query) => query.send(toAnswer(query)),
    async metric(name) {
      const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
      const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))]
      return values.reduce((sum, [, value]) => sum + Number(value), 0)
    },
    async stop() {
      cli.kill('SIGKILL')
      await cli.ended
      await upstream.close()
      await rm(folder, { recursive: true })
    },
  }
  return server
}
