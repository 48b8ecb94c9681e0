import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { encodeMessage, type MessageParts } from '../../../src/dns/codec.ts'
import { createRandom, mutate, type Random } from '../../hostile/mutate.ts'
import { readMessage } from '../../hostile/oracle.ts'
import { serveCli } from '../../kit/process.ts'
import { Traffic } from '../../kit/traffic.ts'
import { toQuery } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

/** Queries that are out at a time; many wait until the forwarder gives up on a reply that it can't read. */
const WINDOW = 400
const SEED = 1035
const CLIENTS = 500

/** The name of the templates; all that is asked for is as long, so that their pointers hold. */
const OWNER = 'n0000000.test.'
const toName = (letter: 'n' | 'v', i: number) => `${letter}${String(i).padStart(7, '0')}.test.`

/** What sound replies have behind the question, before something is changed. */
const SECTIONS: readonly MessageParts[] = [
  { answers: [{ name: OWNER, type: 'A', ttl: 60, data: '192.0.2.1' }] },
  {
    answers: [
      { name: OWNER, type: 'CNAME', ttl: 60, data: 'a.b.test.' },
      { name: 'a.b.test.', type: 'CNAME', ttl: 60, data: 'c.test.' },
      { name: 'c.test.', type: 'AAAA', ttl: 60, data: '2001:db8::1' },
    ],
    opt: { udpSize: 1232, version: 0, flags: 0, options: [{ code: 3, data: Uint8Array.of(1, 2) }] },
  },
  {
    rcode: 3,
    authorities: [
      {
        name: 'test.',
        type: 'SOA',
        ttl: 60,
        data: { mname: 'ns.test.', rname: 'root.test.', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 },
      },
    ],
  },
  {
    answers: [
      { name: OWNER, type: 'MX', ttl: 60, data: { preference: 10, exchange: `mail.${OWNER}` } },
      { name: OWNER, type: 'SRV', ttl: 60, data: { priority: 1, weight: 2, port: 3, target: `mail.${OWNER}` } },
      { name: OWNER, type: 'TXT', ttl: 60, data: ['some text', 'and more'] },
    ],
    authorities: [{ name: 'test.', type: 'NS', ttl: 60, data: 'ns.test.' }],
    additionals: [{ name: 'ns.test.', type: 'A', ttl: 60, data: '192.0.2.53' }],
  },
]
const TEMPLATES = SECTIONS.map((parts) => encodeMessage({ ...parts, question: { name: OWNER, type: 'A' } }))

/** Behind the question. */
const QUESTION_END = 12 + OWNER.length + 1 + 4

/** An upstream whose replies are random changes of sound ones; whatever reaches a client must be sound. */
export const scenario: Scenario = {
  name: 'mutated-replies',
  event: 'an upstream that sends 1,000,000 mutated replies (20,000 in short)',
  async run(form) {
    const total = form === 'long' ? 1_000_000 : 20_000
    const upstream = await startMutator(createRandom(SEED))
    const forward = `forward . 127.0.0.1:${upstream.address().port} {\n    read_timeout 40ms\n    max_connect_attempts 1\n  }`
    const input = `.:0 {\n  bind 127.0.0.1\n  cache\n  ${forward}\n}\n`
    const server = await serveCli(['-conf', 'stdin'], { input })
    try {
      const clients = await Traffic.start({
        port: server.port,
        rate: CLIENTS,
        packet: (i) => toQuery(toName('v', i % 100)),
      })
      const seen = await askMany(server.port, total)
      const tally = await clients.stop()
      const { answered, relayed, malformed } = seen
      return {
        sent: tally.sent,
        lost: tally.lost,
        measured: {
          answered: `${answered} of ${total}`,
          'with records': relayed,
          malformed,
          'worst answer ms': tally.worst,
        },
        goal: '0 lost, each query answered, nothing malformed sent on',
        met: tally.lost === 0 && answered === total && malformed === 0 && relayed > 0,
      }
    } finally {
      server.kill('SIGTERM')
      await server.ended
      upstream.close()
    }
  },
}

/** Answers names with a `v` soundly, all others with changes. */
async function startMutator(random: Random): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  socket.on('message', (query, { port }) => {
    const sound = query[13] === 0x76
    const template = TEMPLATES[sound ? 0 : random(TEMPLATES.length)]!
    const reply = Buffer.concat([query.subarray(0, QUESTION_END), template.subarray(QUESTION_END)])
    reply.set(template.subarray(2, 12), 2)
    // Sometimes the header and the question change, too.
    socket.send(sound ? reply : mutate(reply, random, random(8) === 0 ? 2 : QUESTION_END), port, '127.0.0.1')
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** Asks for `total` names, a window of them at a time. A query is given up after five seconds. */
async function askMany(port: number, total: number) {
  const seen = { answered: 0, relayed: 0, malformed: 0 }
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  const out = new Map<number, number>()
  let next = 0
  const send = () => {
    if (next === total) return
    const query = toQuery(toName('n', next))
    const id = next++ & 0xffff
    query.writeUInt16BE(id)
    out.set(id, performance.now())
    socket.send(query, port, '127.0.0.1')
  }
  await new Promise<void>((resolve) => {
    const finish = () => {
      if (out.size > 0 || next < total) return
      clearInterval(timer)
      resolve()
    }
    const timer = setInterval(() => {
      const late = performance.now() - 5000
      for (const [id, sentAt] of out) {
        if (sentAt > late) break
        out.delete(id)
        send()
      }
      finish()
    }, 1000)
    socket.on('message', (reply) => {
      if (reply.length < 2 || !out.delete(reply.readUInt16BE())) return
      seen.answered++
      try {
        const { answers, authorities } = readMessage(reply)
        if (answers.length + authorities.length > 0) seen.relayed++
      } catch {
        seen.malformed++
      }
      send()
      finish()
    })
    for (let i = 0; i < WINDOW; i++) send()
  })
  socket.close()
  return seen
}
