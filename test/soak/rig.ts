/** What most scenarios need: a server with a cache in a process of its own, a real Unbound behind it, and valid clients. */
import { fromText } from '../../src/dns/name.ts'
import { type Cli, serveCli } from '../kit/process.ts'
import { type Tally, Traffic } from '../kit/traffic.ts'
import { startUnbound, type Unbound } from '../kit/unbound.ts'

/** Octets of the answer for `big.test. TXT`, about. */
export const BIG = 3900
/** Names that valid clients ask for over and over. */
const HOT = 200

export interface RigOptions {
  env?: Record<string, string>
  /** Further lines of the server block. */
  plugins?: string
  /** Options of `forward`. */
  forward?: string
  /** A further server block; `UPSTREAM` in it stands for the address of the upstream. */
  block?: string
}

export interface Rig {
  server: Cli
  upstream: Unbound
  /** Valid clients: `misses` of a hundred queries ask for a name that nobody asked for before. */
  clients(rate: number, misses?: number): Promise<Traffic>
  stop(): Promise<void>
}

/** An upstream where every name below `test.` has an address and all others are NXDOMAIN. */
export const UPSTREAM = {
  records: [
    `big.test. 3600 IN TXT ${Array.from({ length: Math.ceil(BIG / 256) }, () => `"${'x'.repeat(255)}"`).join(' ')}`,
    'names.test. 3600 IN A 192.0.2.1',
  ],
  config: ['local-zone: "names.test." redirect', 'so-rcvbuf: 1m'],
}

/** Valid clients: `misses` of a hundred queries ask for a name that nobody asked for before. */
export function startClients(port: number, rate: number, misses = 0): Promise<Traffic> {
  const packet = (i: number) => (i % 100 < misses ? toQuery(`miss-${i}.names.test.`) : hot[i % HOT]!)
  return Traffic.start({ port, rate, packet })
}

/** Starts both and fills the cache with the names of valid clients. */
export async function startRig({ env = {}, plugins = '', forward = '', block = '' }: RigOptions = {}): Promise<Rig> {
  const upstream = await startUnbound(UPSTREAM)
  const corefile = `.:0 {\n  bind 127.0.0.1\n  errors\n${plugins}  cache 3600\n  forward . UPSTREAM {\n${forward}  }\n}\n${block}`
  const input = corefile.replaceAll('UPSTREAM', upstream.address)
  const server = await serveCli(['-conf', 'stdin'], { input, env }).catch(async (error) => {
    await upstream.stop()
    throw error
  })
  const warm = await Traffic.start({ port: server.port, rate: 2000, packet: (i) => hot[i % HOT]! })
  await warm.until(2 * HOT)
  await warm.stop()
  return {
    server,
    upstream,
    clients: (rate, misses) => startClients(server.port, rate, misses),
    async stop() {
      server.kill('SIGTERM')
      await server.ended
      await upstream.stop()
    },
  }
}

/** A query of class IN with RD; the id is 0. */
export function toQuery(name: string, type = 1): Buffer {
  const header = Buffer.of(0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
  return Buffer.concat([header, fromText(name), Buffer.of(type >> 8, type & 0xff, 0, 1)])
}

const hot = Array.from({ length: HOT }, (_, i) => toQuery(`hot-${i}.names.test.`))

/** Values of a tally that belong into a row. */
export function toLosses({ sent, lost }: Tally): { sent: number; lost: number } {
  return { sent, lost }
}
