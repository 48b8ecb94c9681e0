/** TCP clients that mean no good, and one that does. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ClientProto, exchange } from 'corelet/plugin/testing'
import { toQuery } from './rig.ts'

/** Opens `count` connections, at most a few hundred at a time, from several addresses of the loopback. Errors are theirs alone. */
export async function openMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  const AT_ONCE = 200
  for (let i = 0; i < count; i += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, k) =>
      openOne(port, `127.0.1.${1 + ((i + k) % 20)}`),
    )
    await Promise.all(batch.map((socket) => once(socket, 'connect').catch(() => {})))
    sockets.push(...batch)
  }
  return sockets
}

function openOne(port: number, localAddress: string): Socket {
  const socket = connect({ host: '127.0.0.1', port, localAddress })
  socket.on('error', () => socket.destroy())
  return socket
}

/** Asks `count` times over a new connection each. @returns how often there was no answer within two seconds */
export async function askNewly(port: number, count: number, proto: ClientProto = 'tcp'): Promise<number> {
  let lost = 0
  for (let i = 0; i < count; i++) {
    const query = toQuery(`hot-${i % 100}.names.test.`)
    await exchange({ address: '127.0.0.1', port }, query, proto, 2000).catch(() => lost++)
  }
  return lost
}

/** Closes them all and waits until that is done. */
export async function closeAll(sockets: readonly Socket[]): Promise<void> {
  await Promise.all(
    sockets.map((socket) => {
      if (socket.closed) return undefined
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.destroy()
      return closed
    }),
  )
}

/** Looks until `value` is at most `bound`, for ten seconds at most. @returns the last value */
export async function untilAtMost(bound: number, value: () => number): Promise<number> {
  const end = performance.now() + 10_000
  for (;;) {
    const seen = value()
    if (seen <= bound || performance.now() > end) return seen
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
