/** A server to ask for tests, over UDP and TCP on the loopback, whose answers are text. */
import { decodeMessage, encodeMessage } from '../dns/codec.ts'
import { QR, RA, RCODES, RD } from '../dns/constants.ts'
import { startFakeServer } from '../upstream/testing.ts'
import { toRecords } from './records.ts'

/** What a fake upstream was asked. */
export interface UpstreamQuestion {
  /** As it was sent, with its final dot. */
  name: string
  /** Mnemonic of the query type. */
  type: string
  proto: 'udp' | 'tcp' | 'tls'
}

/** What it answers; left out is empty, NOERROR. */
export interface UpstreamAnswer {
  rcode?: number
  /** Header flags beside QR, RD and RA. */
  flags?: number
  answers?: readonly string[]
  authorities?: readonly string[]
  additionals?: readonly string[]
}

/**
 * What an upstream knows: records by question, `{ 'example.org. A': ['example.org. 60 IN A 192.0.2.1'] }`, everything else being NXDOMAIN;
 * or a function, whose undefined is silence.
 */
export type UpstreamAnswers =
  | Readonly<Record<string, readonly string[]>>
  | ((question: UpstreamQuestion) => UpstreamAnswer | undefined)

export interface TestUpstream extends AsyncDisposable {
  readonly address: string
  readonly port: number
  /** The questions so far, `NAME TYPE`. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

/** Starts it on 127.0.0.1 and a free port: `forward . ${upstream.address}:${upstream.port}`. */
export async function startUpstream(answers: UpstreamAnswers = {}): Promise<TestUpstream> {
  const asked: string[] = []
  const server = await startFakeServer({
    respond({ wire, proto, send }) {
      const { id, question } = decodeMessage(wire)
      if (!question) return
      const { name, type } = question
      asked.push(`${name} ${type}`)
      const answer = typeof answers === 'function' ? answers({ name, type, proto }) : lookUp(answers, name, type)
      if (!answer) return
      const { rcode = RCODES.NOERROR, flags = 0 } = answer
      send(
        encodeMessage({
          ...{ id, question, rcode, flags: QR | RD | RA | flags },
          answers: toRecords(...(answer.answers ?? [])),
          authorities: toRecords(...(answer.authorities ?? [])),
          additionals: toRecords(...(answer.additionals ?? [])),
        }),
      )
    },
  })
  const close = () => server.close()
  return { address: server.address, port: server.port, asked, close, [Symbol.asyncDispose]: close }
}

function lookUp(answers: Readonly<Record<string, readonly string[]>>, name: string, type: string): UpstreamAnswer {
  const question = `${name.toLowerCase()} ${type}`
  return Object.hasOwn(answers, question) ? { answers: answers[question]! } : { rcode: RCODES.NXDOMAIN }
}
