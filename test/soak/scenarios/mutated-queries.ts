import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { toPacket } from '../../../src/server/testing.ts'
import { CLIENT_PACKETS } from '../../hostile/client-packets.ts'
import { createRandom, mutate, type Random } from '../../hostile/mutate.ts'
import { openFiles, privateMemory } from '../../kit/proc.ts'
import { untilAtMost } from '../connections.ts'
import { startRig, toQuery } from '../rig.ts'
import type { Form, Scenario } from '../scenario.ts'

const SEED = 1982
/** Datagrams that are sent together; a sound query behind them tells when they were read. */
const BURST = 100
/** MiB that the server may grow by over the second half: the cache may still fill its 32, the heap needs room to work in. */
const GROWTH = 48

/** What is mutated: packets that are wrong already, and sound ones with and without EDNS. */
const CORPUS: readonly Uint8Array[] = [
  ...CLIENT_PACKETS.map(([, packet]) => packet).filter(({ length }) => length < 4000),
  ...[1, 28, 255, 65].flatMap((type) => [
    toPacket('www.names.test', { type }),
    toPacket('a.b.c.d.names.test', { type, edns: { options: [{ code: 10, data: new Uint8Array(8) }] } }),
  ]),
]

/** Mutated datagrams in between the queries of valid clients, over UDP, on both back ends of the sockets. */
export const scenario: Scenario = {
  name: 'mutated-queries',
  event: '1,000,000 mutated queries over UDP (300,000 in short), half of them on each back end',
  async run(form) {
    const libc = await attack('libc', form)
    const dgram = await attack('dgram', form)
    const most = (name: 'files' | 'growth' | 'worst') => Math.max(libc[name], dgram[name])
    return {
      sent: libc.sent + dgram.sent,
      lost: libc.lost + dgram.lost,
      measured: {
        'mutated packets': libc.mutated + dgram.mutated,
        'file descriptors more': most('files'),
        'MiB more in the second half': most('growth'),
        'worst answer ms': most('worst'),
      },
      goal: `0 lost, file descriptors back but for the pool of upstream sockets, at most ${GROWTH} MiB more, a clean end`,
      met: libc.lost + dgram.lost === 0 && most('files') <= 64 && most('growth') <= GROWTH && libc.clean && dgram.clean,
    }
  },
}

async function attack(backEnd: 'libc' | 'dgram', form: Form) {
  const count = form === 'long' ? 500_000 : 150_000
  const rig = await startRig({ env: { CORELET_NET: backEnd, NODE_OPTIONS: '--max-semi-space-size=16' } })
  const random = createRandom(SEED)
  const socket = createSocket('udp4')
  try {
    const { pid, port } = rig.server
    const files = openFiles(pid)
    const clients = await rig.clients(500, 10)
    await sendMutated(socket, port, count / 2, random)
    const half = privateMemory(pid)
    await sendMutated(socket, port, count / 2, random)
    const growth = Math.round(privateMemory(pid) - half)
    const { sent, lost, worst } = await clients.stop()
    const left = (await untilAtMost(files + 64, () => openFiles(pid))) - files
    // A query that is still in work would hold up the end.
    rig.server.kill('SIGTERM')
    const { code } = await rig.server.ended
    return { mutated: count, sent, lost, worst, files: left, growth, clean: code === 0 }
  } finally {
    socket.close()
    await rig.stop()
  }
}

/** Sends in bursts, each when the one before has been read. @throws (rejects) Error when the server stops answering */
async function sendMutated(socket: Socket, port: number, count: number, random: Random): Promise<void> {
  for (let i = 0; i < count; i += BURST) {
    for (let k = 0; k < BURST; k++) socket.send(mutate(CORPUS[random(CORPUS.length)]!, random), port, '127.0.0.1')
    await askBehind(socket, port)
  }
}

let id = 0

async function askBehind(socket: Socket, port: number): Promise<void> {
  const query = toQuery('hot-1.names.test.')
  const marker = 0xa000 + (id++ & 0xfff)
  query.writeUInt16BE(marker, 0)
  const end = AbortSignal.timeout(5000)
  socket.send(query, port, '127.0.0.1')
  for (;;) {
    const [answer] = (await once(socket, 'message', { signal: end })) as [Buffer]
    if (answer.length > 12 && answer.readUInt16BE(0) === marker && answer[3]! % 16 === 0) return
  }
}
