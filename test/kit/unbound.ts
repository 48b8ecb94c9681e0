/** A real Unbound with fixed data, as an upstream for tests. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePorts } from './ports.ts'

export interface Unbound {
  /** `127.0.0.1:PORT`, UDP and TCP. */
  address: string
  port: number
  /** Port for DNS over TLS; 0 when no certificate was given. */
  tlsPort: number
  /** Port for DNS over HTTPS; 0 when no certificate was given. */
  httpsPort: number
  stop(): Promise<void>
}

export interface UnboundOptions {
  /** Records in presentation form; every other name is NXDOMAIN. */
  records: readonly string[]
  /** Paths of PEM files; opens ports for DNS over TLS and over HTTPS. */
  tls?: { cert: string; key: string }
  /** Further lines of the `server:` clause. */
  config?: readonly string[]
}

const SOA = '. 60 IN SOA ns.test. hostmaster.test. 1 3600 600 86400 60'
const PATIENCE = 10_000

/** Starts Unbound on free ports of 127.0.0.1 and waits until it answers. @throws (rejects) with its log when it does not start */
export async function startUnbound({ records, tls, config = [] }: UnboundOptions): Promise<Unbound> {
  const folder = await mkdtemp(join(tmpdir(), 'unbound-'))
  const [port = 0, tlsPort = 0, httpsPort = 0] = await findFreePorts(3)
  const file = join(folder, 'unbound.conf')
  await writeFile(
    file,
    [
      'server:',
      `directory: "${folder}"`,
      'chroot: ""',
      'username: ""',
      'pidfile: ""',
      'do-daemonize: no',
      'use-syslog: no',
      'verbosity: 1',
      'num-threads: 1',
      `interface: 127.0.0.1@${port}`,
      ...(tls
        ? [
            `interface: 127.0.0.1@${tlsPort}`,
            `tls-port: ${tlsPort}`,
            `interface: 127.0.0.1@${httpsPort}`,
            `https-port: ${httpsPort}`,
            `tls-service-pem: "${tls.cert}"`,
            `tls-service-key: "${tls.key}"`,
          ]
        : []),
      'access-control: 127.0.0.0/8 allow',
      'local-zone: "." static',
      ...['10.in-addr.arpa.', '127.in-addr.arpa.', 'test.', 'invalid.'].map(
        (zone) => `local-zone: "${zone}" transparent`,
      ),
      ...[SOA, ...records].map((record) => `local-data: '${record}'`),
      ...config,
      'remote-control:',
      'control-enable: no',
    ].join('\n'),
  )
  const child = spawn('unbound', ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const stop = async () => {
    process.off('exit', kill)
    await end(child)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await untilServing(child)
  } catch (error) {
    await stop()
    throw error
  }
  return { address: `127.0.0.1:${port}`, port, tlsPort: tls ? tlsPort : 0, httpsPort: tls ? httpsPort : 0, stop }
}

function untilServing(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = ''
    const fail = (why: string) => reject(new Error(`unbound ${why}\n${log}`))
    const timer = setTimeout(fail, PATIENCE, 'did not start in time')
    child.once('error', (error) => fail(error.message))
    child.once('exit', (code) => fail(`ended with status ${code}`))
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk
      if (!log.includes('start of service')) return
      clearTimeout(timer)
      resolve()
    })
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  await ended
}
