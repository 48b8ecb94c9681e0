/** Whether our own server answers at an address, over UDP and over TCP, as a process of the node sees it. */

import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'

/**
 * The question that only the server of this agent answers well: its one label is a secret of the two. Asked with the opcode STATUS, it
 * reaches no plugin, no log and no upstream; any other server refuses it (RFC 1035 §4.1.1).
 */
export class ProbeQuestion {
  /** The label in hexadecimal digits, as the server is told it. */
  readonly secret: string
  readonly #question: Buffer

  constructor(secret = randomBytes(16).toString('hex')) {
    this.secret = secret
    const label = Buffer.from(secret, 'latin1')
    this.#question = Buffer.concat([Buffer.of(label.length), label, Buffer.of(0, 0, 1, 0, 1)])
  }

  /** The query. @param id 16 bits */
  query(id: number): Buffer {
    const header = Buffer.of(id >> 8, id & 0xff, STATUS << 3, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    return Buffer.concat([header, this.#question])
  }

  /** Whether a message is our server's answer. */
  isAnswer(message: Buffer, id: number): boolean {
    if (message.length < 12 || message.readUInt16BE(0) !== id) return false
    const isResponse = (message[2]! & 0x80) !== 0
    return isResponse && ((message[2]! >> 3) & 0xf) === STATUS && (message[3]! & 0xf) === 0
  }
}

const STATUS = 2

/** The environment variable in which the server finds the secret. */
export const PROBE_VARIABLE = 'CORELET_PROBE'

/** Times that an address is asked when others answer: several servers on one port have turns. */
const ROUNDS = 8

/**
 * Asks one address over UDP and TCP.
 * @param timeout milliseconds
 * @param source the address that is asked from; the kernel's choice when left out
 * @returns why it is not served, or undefined
 */
export async function probe(
  question: ProbeQuestion,
  address: string,
  port: number,
  timeout: number,
  source?: string,
): Promise<string | undefined> {
  const [udp, tcp] = await Promise.all([
    again(() => probeUdp(question, address, port, timeout, source)),
    again(() => probeTcp(question, address, port, timeout, source)),
  ])
  if (udp === undefined && tcp === undefined) return undefined
  return [udp && `UDP: ${udp}`, tcp && `TCP: ${tcp}`].filter(Boolean).join(', ')
}

const SILENCE = 'no answer'
/** What is said of an answer that does not know the secret. */
export const STRANGER = 'another server answers'

async function again(ask: () => Promise<string | undefined>): Promise<string | undefined> {
  let problem = await ask()
  for (let round = 1; round < ROUNDS && problem === STRANGER; round++) problem = await ask()
  return problem
}

/** Asks over UDP, see {@link probe}. */
export function probeUdp(
  question: ProbeQuestion,
  address: string,
  port: number,
  timeout: number,
  source?: string,
): Promise<string | undefined> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  const id = randomBytes(2).readUInt16BE()
  return new Promise((resolve) => {
    const settle = (problem: string | undefined) => {
      clearTimeout(timer)
      socket.removeAllListeners('error').on('error', () => {})
      socket.close()
      resolve(problem)
    }
    const timer = setTimeout(() => settle(SILENCE), timeout)
    socket.once('error', ({ message }) => settle(message))
    socket.once('message', (message) => settle(question.isAnswer(message, id) ? undefined : STRANGER))
    // what is handed to connect is called without a connection, too
    socket.once('connect', () => socket.send(question.query(id)))
    const ask = () => socket.connect(port, address)
    if (source === undefined) ask()
    else socket.bind(0, source, ask)
  })
}

/** Asks over TCP, see {@link probe}. */
export function probeTcp(
  question: ProbeQuestion,
  address: string,
  port: number,
  timeout: number,
  source?: string,
): Promise<string | undefined> {
  const id = randomBytes(2).readUInt16BE()
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    const socket = connect({ host: address, port, ...(source !== undefined && { localAddress: source }) })
    const settle = (problem: string | undefined) => {
      clearTimeout(timer)
      socket.removeAllListeners('error').on('error', () => {})
      // A reset leaves no connection behind that waits for its end, however often we ask.
      socket.resetAndDestroy()
      resolve(problem)
    }
    const timer = setTimeout(() => settle(SILENCE), timeout)
    socket.once('error', ({ message }) => settle(message))
    socket.once('end', () => settle(SILENCE))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 + 12) return
      settle(question.isAnswer(received.subarray(2), id) ? undefined : STRANGER)
    })
    const query = question.query(id)
    socket.write(Buffer.concat([Buffer.of(query.length >> 8, query.length & 0xff), query]))
  })
}
