/** The ways to reach a server: every table of packets goes over each of them. A new transport is a line in {@link TRANSPORTS}. */
import { createSocket } from 'node:dgram'
import { TcpClient, toFrames } from '../../src/net/testing.ts'

export interface Transport {
  name: string
  /** Environment of the server: what chooses the back end of its sockets. */
  env: Record<string, string>
  /** Prefix of a server block's key. */
  scheme: string
  /** Answers come in a stream, so zone transfers are no nonsense and nothing is cut off. */
  stream: boolean
  /** Connects to a server and keeps the connection. */
  open(port: number): Promise<Connection>
}

export interface Connection {
  /** Sends messages one behind the other. @returns what came back once `isEnough`, at most a few seconds later */
  ask(packets: readonly Uint8Array[], isEnough: (answers: readonly Buffer[]) => boolean): Promise<readonly Buffer[]>
  close(): void
}

const PATIENCE = 3000

export const TRANSPORTS: readonly Transport[] = [
  { name: 'UDP through libc', env: {}, scheme: '', stream: false, open: openUdp },
  { name: 'UDP through dgram', env: { CORELET_NET: 'dgram' }, scheme: '', stream: false, open: openUdp },
  { name: 'TCP', env: {}, scheme: '', stream: true, open: openTcp },
]

async function openUdp(port: number): Promise<Connection> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    ask: (packets, isEnough) =>
      new Promise((resolve) => {
        const answers: Buffer[] = []
        const finish = () => {
          clearTimeout(timer)
          socket.off('message', take)
          resolve(answers)
        }
        const take = (answer: Buffer) => {
          answers.push(answer)
          if (isEnough(answers)) finish()
        }
        const timer = setTimeout(finish, PATIENCE)
        socket.on('message', take)
        for (const packet of packets) socket.send(packet, port, '127.0.0.1')
      }),
    close: () => void socket.close(),
  }
}

async function openTcp(port: number): Promise<Connection> {
  const client = await new TcpClient(port).connected()
  return {
    async ask(packets, isEnough) {
      const first = client.messages.length
      const timer = setTimeout(() => client.socket.destroy(), PATIENCE)
      client.write(toFrames(...packets))
      await client.receiveUntil((all) => isEnough(all.slice(first)))
      clearTimeout(timer)
      return client.messages.slice(first)
    },
    close: () => client[Symbol.dispose](),
  }
}
