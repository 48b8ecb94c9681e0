/** Mutated queries over any transport, in between the queries of valid clients. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toPacket } from '../../src/server/testing.ts'
import { CLIENT_PACKETS } from '../hostile/client-packets.ts'
import { createRandom, mutate, type Random } from '../hostile/mutate.ts'
import { type Connection, TRANSPORTS, type Transport } from '../hostile/transports.ts'
import { makeCertificate } from '../kit/certificate.ts'
import { findFreePorts } from '../kit/ports.ts'
import { openFiles, residentMemory } from '../kit/proc.ts'
import { untilAtMost } from './connections.ts'
import { startRig, toQuery } from './rig.ts'
import type { Row } from './scenario.ts'

const SEED = 1982
/** Messages that are sent together. A sound query behind them tells when they were read: the kernel never has more of them than it has room for. */
const BURST = 100
/** How often memory is looked at. */
const LOOKS = 20
/** The pools of upstream sockets of two blocks, and what a connection needs. */
const FILES = 140

/** Unbound is silent to some of them: they must not fill the hundred requests that a connection of HTTP may have open, nor hold up the end. */
const FORWARD = '    read_timeout 200ms\n    max_connect_attempts 1\n'

/** What is mutated: packets that are wrong already, and sound ones with and without EDNS. */
const CORPUS: readonly Uint8Array[] = [
  ...CLIENT_PACKETS.map(([, packet]) => packet).filter(({ length }) => length < 4000),
  ...[1, 28, 255, 65].flatMap((type) => [
    toPacket('www.names.test', { type }),
    toPacket('a.b.c.d.names.test', { type, edns: { options: [{ code: 10, data: new Uint8Array(8) }] } }),
  ]),
]

interface Attacked {
  name: string
  sent: number
  lost: number
  worst: number
  /** File descriptors that are open beside those of the start. */
  files: number
  /** Resident memory in MiB, twenty times. */
  memory: number[]
  /** The server ended as it was told to. */
  clean: boolean
}

/** Attacks a server over each transport of `counts` with so many queries; `growth` is what its memory may grow by over the second half, in MiB. */
export async function runMutated(counts: Readonly<Record<string, number>>, growth: number): Promise<Row> {
  const seen: Attacked[] = []
  for (const [name, count] of Object.entries(counts)) {
    const transport = TRANSPORTS.find((one) => one.name === name)
    if (!transport) throw new Error(`no transport ${name}`)
    seen.push(await attack(transport, count))
  }
  const total = (key: 'sent' | 'lost') => seen.reduce((sum, one) => sum + one[key], 0)
  return {
    sent: total('sent'),
    lost: total('lost'),
    measured: {
      ...Object.fromEntries(
        seen.map(({ name, memory }) => [
          `MiB over ${name} after a tenth, a half, three quarters and all`,
          [LOOKS / 10, LOOKS / 2, (LOOKS * 3) / 4, LOOKS].map((look) => Math.round(memory[look - 1]!)).join(' '),
        ]),
      ),
      'file descriptors more': Math.max(...seen.map(({ files }) => files)),
      'worst answer ms': Math.max(...seen.map(({ worst }) => worst)),
    },
    goal: `0 lost, those that mutated ones are sent with included, at most ${growth} MiB more, a clean end`,
    met: total('lost') === 0 && seen.every((one) => one.files <= FILES && toGrowth(one) <= growth && one.clean),
  }
}

function toGrowth({ memory }: Attacked): number {
  return memory.at(-1)! - memory[LOOKS / 2]!
}

async function attack(transport: Transport, count: number): Promise<Attacked> {
  const folder = await mkdtemp(join(tmpdir(), 'mutated-'))
  const { port, block } = await toBlock(transport, folder)
  const rig = await startRig({ env: transport.env, forward: FORWARD, block })
  const connection = await transport.open(port ?? rig.server.port)
  const random = createRandom(SEED)
  try {
    const { pid } = rig.server
    const files = openFiles(pid)
    const clients = await rig.clients(500, 10)
    const memory: number[] = []
    for (let look = 0; look < LOOKS; look++) {
      await sendMutated(connection, transport, count / LOOKS, random)
      memory.push(residentMemory(pid))
    }
    const { sent, lost, worst } = await clients.stop()
    connection.close()
    const left = (await untilAtMost(files + FILES, () => openFiles(pid))) - files
    // A query that is still in work would hold up the end.
    rig.server.kill('SIGTERM')
    const { code } = await rig.server.ended
    return { name: transport.name, sent, lost, worst, files: left, memory, clean: code === 0 }
  } finally {
    await rig.stop()
    await rm(folder, { recursive: true })
  }
}

/** The block of a server that is asked over a transport; plain UDP and TCP are those of every rig. */
async function toBlock({ scheme }: Transport, folder: string) {
  if (scheme === '') return { port: undefined, block: '' }
  const [port = 0] = await findFreePorts(1)
  const { cert, key } = await makeCertificate(folder, 'dns.example')
  return {
    port,
    block: `${scheme}.:${port} {\n  bind 127.0.0.1\n  tls ${cert} ${key}\n  cache 3600\n  forward . UPSTREAM {\n${FORWARD}  }\n}\n`,
  }
}

/** Sends in bursts, each when the one before has been answered. @throws (rejects) Error when the server stops answering */
async function sendMutated(connection: Connection, transport: Transport, count: number, random: Random): Promise<void> {
  const { longest = Infinity } = transport
  for (let i = 0; i < count; i += BURST) {
    const burst: Uint8Array[] = []
    while (burst.length < Math.min(BURST, count - i)) {
      const packet = mutate(CORPUS[random(CORPUS.length)]!, random)
      if (packet.length <= longest) burst.push(packet)
    }
    const sound = toQuery('hot-1.names.test.')
    sound.writeUInt16BE(id++ & 0xffff)
    const isOfSound = (answer: Buffer) =>
      answer.length > 12 && answer.readUInt16BE() === sound.readUInt16BE() && answer[3]! % 16 === 0
    const answers = await connection.ask([...burst, sound], (all) => all.some(isOfSound))
    if (!answers.some(isOfSound)) throw new Error(`a sound query over ${transport.name} was not answered`)
  }
}

let id = 0xa000
