import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { exchange } from 'corelet/plugin/testing'
import { toAnswer } from '../../../src/upstream/testing.ts'
import { readMessage } from '../../hostile/oracle.ts'
import { residentMemory } from '../../kit/proc.ts'
import { serveCli } from '../../kit/process.ts'
import { Traffic } from '../../kit/traffic.ts'
import { toQuery } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

/** Names that are in the cache, and queries of a hundred that ask for a new one. */
const KNOWN = 500
const NEW = 5
const RECOVERY_MS = 2000
const MEMORY_MIB = 40

const known = Array.from({ length: KNOWN }, (_, i) => toQuery(`known-${i}.test.`))

/** The upstream says nothing for a while: stale answers are served, new names fail in time, and all is well soon after. */
export const scenario: Scenario = {
  name: 'black-hole',
  event: 'the upstream is mute for 60 s (6 s in short), with serve_stale',
  async run(form) {
    const [seconds, rate] = form === 'long' ? [60, 5000] : [6, 1000]
    let mute = false
    const upstream = await startUpstream(() => mute)
    const { port: upstreamPort } = upstream.address()
    const cache = '  cache {\n    success 9984 1 1\n    serve_stale 1h\n  }\n'
    const input = `.:0 {\n  bind 127.0.0.1\n${cache}  forward . 127.0.0.1:${upstreamPort}\n}\n`
    const server = await serveCli(['-conf', 'stdin'], { input })
    const { port, pid } = server
    try {
      const warm = await Traffic.start({ port, rate: 1000, packet: (i) => known[i % KNOWN]! })
      await warm.until(2 * KNOWN)
      await warm.stop()
      mute = true
      const packet = (i: number) => (i % 100 < NEW ? toQuery(`new-${i}.test.`) : known[i % KNOWN]!)
      const clients = await Traffic.start({ port, rate, packet })
      await clients.until((rate * seconds) / 4)
      const early = residentMemory(pid)
      await clients.until(rate * seconds)
      const grown = Math.round(residentMemory(pid) - early)
      mute = false
      const recovery = Math.round(await untilAnswered(port))
      const tally = await clients.stop()
      const failed = tally.sent - (tally.rcodes[0] ?? 0) - tally.lost
      const share = (100 * failed) / tally.sent
      return {
        sent: tally.sent,
        lost: tally.lost,
        measured: {
          'SERVFAIL %': share.toFixed(2),
          'median ms': tally.median,
          'worst answer ms': tally.worst,
          'memory grown MiB': grown,
          'recovery ms': recovery,
        },
        goal: `0 lost, only new names fail, memory < +${MEMORY_MIB} MiB from the first quarter on, new names answered ${RECOVERY_MS} ms after it`,
        met: tally.lost === 0 && share <= NEW + 0.1 && grown < MEMORY_MIB && recovery <= RECOVERY_MS,
      }
    } finally {
      server.kill('SIGTERM')
      await server.ended
      upstream.close()
    }
  },
}

async function startUpstream(isMute: () => boolean): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  socket.on('message', (wire, { port }) => {
    if (!isMute()) socket.send(toAnswer({ wire }), port, '127.0.0.1')
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** Asks for one new name after the other. @returns milliseconds until one has an address; those of ten seconds when none has */
async function untilAnswered(port: number): Promise<number> {
  const begun = performance.now()
  for (let i = 0; performance.now() - begun < 10_000; i++) {
    const query = toQuery(`after-${i}.test.`)
    const reply = await exchange({ address: '127.0.0.1', port }, query, 'udp', 500).catch(() => undefined)
    if (reply && readMessage(reply).answers.length > 0) break
  }
  return performance.now() - begun
}
