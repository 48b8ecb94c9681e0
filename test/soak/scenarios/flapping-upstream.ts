import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { toAnswer } from '../../../src/upstream/testing.ts'
import { serveCli } from '../../kit/process.ts'
import { Traffic } from '../../kit/traffic.ts'
import { toQuery } from '../rig.ts'
import type { Form, Scenario } from '../scenario.ts'

const RATE = 1000
/** Queries of a hundred for a name that nobody has asked for. */
const MISSES = 20
/** Milliseconds that the upstream answers, and those that it does not. */
const PHASE = 1000
/** What the upstream is asked in a tenth of a second at most, as a multiple of what its clients want. */
const HERD = 10

/** What becomes of queries while the upstream stands still: they wait in its socket, or are lost. */
type Meanwhile = 'wait' | 'lost'

/** All queries are answered, and the upstream is not run over when it is back. */
export const scenario: Scenario = {
  name: 'flapping-upstream',
  event:
    'an upstream that answers for a second and not for the next, 10 times (3 in short); queries wait for it or are lost',
  async run(form) {
    const [waiting, losing] = [await flap(form, 'wait'), await flap(form, 'lost')]
    const failed = waiting.failed + losing.failed
    const most = Math.max(waiting.most, losing.most)
    const usual = (RATE * MISSES) / 100 / 10
    return {
      sent: waiting.sent + losing.sent,
      lost: waiting.lost + losing.lost,
      measured: {
        SERVFAIL: failed,
        'worst answer ms while queries wait': waiting.worst,
        'worst answer ms while queries are lost': losing.worst,
        'most queries to the upstream in 100 ms': `${most}, ${usual} without misfortune`,
      },
      goal: `0 lost, no SERVFAIL, the upstream asked ${HERD} times as often at most`,
      met: waiting.lost + losing.lost === 0 && failed === 0 && most <= HERD * usual,
    }
  },
}

async function flap(form: Form, meanwhile: Meanwhile) {
  const times = form === 'long' ? 10 : 3
  const upstream = await startUpstream(meanwhile)
  const forward = `forward . 127.0.0.1:${upstream.socket.address().port} {\n    read_timeout 400ms\n    max_connect_attempts 0\n  }`
  const server = await serveCli(['-conf', 'stdin'], { input: `.:0 {\n  bind 127.0.0.1\n  cache\n  ${forward}\n}\n` })
  try {
    const clients = await Traffic.start({
      port: server.port,
      rate: RATE,
      packet: (i) => toQuery(i % 100 < MISSES ? `new-${i}.test.` : `known-${i % 100}.test.`),
    })
    for (let i = 1; i <= 2 * times; i++) {
      await clients.until((i * RATE * PHASE) / 1000)
      upstream.turn()
    }
    const { sent, lost, rcodes, worst } = await clients.stop()
    return { sent, lost, worst, failed: rcodes[2] ?? 0, most: upstream.most() }
  } finally {
    server.kill('SIGTERM')
    await server.ended
    upstream.socket.close()
  }
}

async function startUpstream(meanwhile: Meanwhile) {
  const socket: Socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  const received: number[] = []
  const waiting: (() => void)[] = []
  let mute = false
  socket.on('message', (wire, { port }) => {
    received.push(performance.now())
    const answer = () => socket.send(toAnswer({ wire }), port, '127.0.0.1')
    if (!mute) answer()
    else if (meanwhile === 'wait') waiting.push(answer)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    socket,
    /** Stands still, or goes on. */
    turn() {
      mute = !mute
      if (!mute) for (const answer of waiting.splice(0)) answer()
    },
    /** Most queries within a tenth of a second, after the first second, in which the cache is filled. */
    most: () => {
      const late = received.filter((at) => at > received[0]! + PHASE)
      let [first, most] = [0, 0]
      for (const [i, at] of late.entries()) {
        while (late[first]! < at - 100) first++
        most = Math.max(most, i - first + 1)
      }
      return most
    },
  }
}
