import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/** Below the ports that Linux gives to sockets that ask for none, so that no socket of a test running beside takes one. */
const LOWEST = 10_240
const HIGHEST = 32_767
const TRIES = 100

/** Different ports of 127.0.0.1 that are free on UDP and TCP. @throws (rejects) Error when there are none */
export async function findFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  for (let tries = 0; ports.size < count && tries < TRIES; tries++) {
    const port = randomInt(LOWEST, HIGHEST + 1)
    if ((await isFreeOnTcp(port)) && (await isFreeOnUdp(port))) ports.add(port)
  }
  if (ports.size < count) throw new Error(`not ${count} free ports among ${TRIES}`)
  return [...ports]
}

function isFreeOnTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function isFreeOnUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => {
      socket.close()
      resolve(false)
    })
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)))
  })
}
