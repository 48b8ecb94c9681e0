import { once } from 'node:events'
import { connect } from 'node:net'
import { toFrames } from '../../../src/net/testing.ts'
import { openFiles } from '../../kit/proc.ts'
import { untilAtMost } from '../connections.ts'
import { startRig, toQuery } from '../rig.ts'
import type { Scenario } from '../scenario.ts'

/** Clients that ask over TCP and reset the connection without waiting for the answer. */
export const scenario: Scenario = {
  name: 'resets',
  event: 'a query and a RST on a new connection, 20,000 times (2,000 in short)',
  async run(form) {
    const times = form === 'long' ? 20_000 : 2000
    const rig = await startRig()
    try {
      const { pid, port } = rig.server
      const files = openFiles(pid)
      const clients = await rig.clients(1000, 10)
      for (let i = 0; i < times; i += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, k) => askAndReset(port, `reset-${i + k}.names.test.`)))
      }
      const tally = await clients.stop()
      const left = (await untilAtMost(files + 64, () => openFiles(pid))) - files
      return {
        sent: tally.sent,
        lost: tally.lost,
        measured: { 'file descriptors more': left, 'worst answer ms': tally.worst },
        goal: '0 lost, file descriptors back but for the pool of upstream sockets',
        met: tally.lost === 0 && left <= 64,
      }
    } finally {
      await rig.stop()
    }
  },
}

async function askAndReset(port: number, name: string): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  await once(socket, 'connect').catch(() => {})
  await new Promise((resolve) => socket.write(toFrames(toQuery(name)), resolve))
  socket.resetAndDestroy()
}
