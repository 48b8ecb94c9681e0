/** Whether sockets can leave a shared UDP port (see `UdpSocket.leave`) on this kernel: Linux can since 5.4. */
import { createSocket } from 'node:dgram'
import { openUdp } from './udp.ts'
import type { UdpSocket } from './udp-socket.ts'

/** Datagrams that are tried, each from a port of its own: one in 65,536 times a kernel that takes no notice gives all of them to the right socket. */
const TRIES = 16
/** Milliseconds that they may take. */
const PATIENCE = 500

/**
 * Tries it on two sockets of its own on the loopback.
 * @param open opens a socket
 * @returns true, too, when that can't be found out: to leave costs nothing
 */
export async function heedsLeaving(open: typeof openUdp = openUdp): Promise<boolean> {
  const sockets: UdpSocket[] = []
  try {
    return await tryToLeave(async (port, receive) => {
      const socket = await open({ address: '127.0.0.1', port, reusePort: true, longest: 1, receive })
      sockets.push(socket)
      return socket
    })
  } catch {
    return true
  } finally {
    for (const socket of sockets) socket.close()
  }
}

async function tryToLeave(open: (port: number, receive: () => void) => Promise<UdpSocket>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let received = 0
  const old = await open(0, () => resolve(false))
  await open(old.port, () => {
    if (++received === TRIES) resolve(true)
  })
  old.leave()
  for (let i = 0; i < TRIES; i++) sendFromAnywhere(old.port)
  const timer = setTimeout(() => resolve(true), PATIENCE)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

function sendFromAnywhere(port: number): void {
  const sender = createSocket('udp4')
  sender.on('error', () => {})
  sender.send(Buffer.of(0), port, '127.0.0.1', () => sender.close())
}
