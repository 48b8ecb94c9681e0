/** Who answers at an address, as a client sees it: whatever rules there are, that is what counts. */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { decodeMessage, encodeMessage } from '../dns/codec.ts'
import { ProbeQuestion, probeTcp, probeUdp, STRANGER } from './probe.ts'

/** A server that may answer: the agent's id, and the secret that it is told by. */
export interface Candidate {
  id: string
  secret: string
}

/** Who answers over a protocol: the agent with that id, or why none does. */
export type Answerer = { agent: string } | { problem: string }

export interface Examination {
  address: string
  udp: Answerer
  tcp: Answerer
  /** What a server that is none of the candidates' calls itself; empty when it does not say. */
  stranger: string
}

/** Milliseconds that a server may take to answer. */
const TIMEOUT = 1000
/** Times that each candidate is asked for: several servers on one port have turns. */
const ROUNDS = 5

/** There is an answer, and nobody whose it could be was named. */
const UNKNOWN = 'a server answers, and no secret tells whose it is'

/** Asks as a process of this network, for each of the candidates. */
export async function examine(address: string, port: number, candidates: readonly Candidate[]): Promise<Examination> {
  const [udp, tcp] = await Promise.all([
    findAnswerer(candidates, (question) => probeUdp(question, address, port, TIMEOUT)),
    findAnswerer(candidates, (question) => probeTcp(question, address, port, TIMEOUT)),
  ])
  const isForeign = [udp, tcp].some((each) => 'problem' in each && [STRANGER, UNKNOWN].includes(each.problem))
  return { address, udp, tcp, stranger: isForeign ? await askVersion(address, port) : '' }
}

async function findAnswerer(
  candidates: readonly Candidate[],
  ask: (question: ProbeQuestion) => Promise<string | undefined>,
): Promise<Answerer> {
  const known = candidates.map(({ id, secret }) => ({ id, question: new ProbeQuestion(secret) }))
  if (known.length === 0) {
    const problem = await ask(new ProbeQuestion())
    return { problem: problem === STRANGER ? UNKNOWN : problem! }
  }
  let problem: string | undefined
  for (let round = 0; round < ROUNDS; round++) {
    for (const { id, question } of known) {
      problem = await ask(question)
      if (problem === undefined) return { agent: id }
      if (problem !== STRANGER) return { problem }
    }
  }
  return { problem: problem! }
}

/** What a server says to `version.bind` (RFC 4892 §2); empty when it does not say. */
function askVersion(address: string, port: number): Promise<string> {
  const id = randomBytes(2).readUInt16BE()
  const query = encodeMessage({ id, flags: 0, question: { name: 'version.bind.', type: 'TXT', class: 'CH' } })
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  return new Promise((resolve) => {
    const settle = (version: string) => {
      clearTimeout(timer)
      socket.removeAllListeners('error').on('error', () => {})
      socket.close()
      resolve(version)
    }
    const timer = setTimeout(settle, TIMEOUT, '')
    socket.once('error', () => settle(''))
    socket.once('message', (message) => settle(readVersion(message, id)))
    socket.once('connect', () => socket.send(query))
    socket.connect(port, address)
  })
}

function readVersion(message: Uint8Array, id: number): string {
  try {
    const { id: answered, answers } = decodeMessage(message)
    const [record] = answers
    if (answered !== id || record?.type !== 'TXT') return ''
    const words = [record.data].flat().map((each) => Buffer.from(each as Uint8Array | string).toString('latin1'))
    // text of a stranger goes to a terminal
    return words.join(' ').replace(/[^\x20-\x7e]/g, '?')
  } catch {
    return ''
  }
}
