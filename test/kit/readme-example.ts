/** Serving the examples in the READMEs of plugins, as tests of what the sentences above them say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type FakeClock,
  type QueryOptions,
  type ServerOptions,
  startServer,
  startUpstream,
  type TestServer,
  type TestUpstream,
  type UpstreamAnswer,
  type UpstreamQuestion,
} from 'corelet/plugin/testing'
import { toRcodeName } from '../../src/dns/constants.ts'
import { listFences } from './sources.ts'

/** What an upstream answers; undefined for silence. */
export type Answer = (question: UpstreamQuestion) => UpstreamAnswer | undefined

/** An example at work. */
export interface Example {
  server: TestServer
  /** The servers at the ports that the example names, which answer from 192.0.2.0/24 with the last two digits of their port. */
  upstreams: Record<string, TestUpstream>
  /** The rcode and the data of the answers, or `silence`. */
  ask(name: string, type?: string, options?: QueryOptions): Promise<string>
}

/** What an example needs besides its text. */
export interface ExampleParts extends ServerOptions {
  /** The place of the example in the README, from 0. */
  nth?: number
  /** Words that can't stay as they are in a test. */
  words?: Record<string, string>
  /** Upstreams that answer in another way, by port. */
  upstreams?: Record<string, Answer>
}

const SOA = '. 900 IN SOA ns. hostmaster. 1 2 3 4 900'
/** NODATA. */
export const none: UpstreamAnswer = { authorities: [SOA] }
/** NXDOMAIN. */
export const unknown: UpstreamAnswer = { rcode: 3, authorities: [SOA] }

/** What the upstream at a port of an example answers, see {@link Example.upstreams}. */
export function ordinary(port: string): Answer {
  return ({ name, type }) => {
    if (type === 'A') return { answers: [`${name} 300 IN A 192.0.2.${Number(port.slice(-2))}`] }
    return type === 'AAAA' ? { answers: [`${name} 300 IN AAAA 2001:db8::${Number(port.slice(-2))}`] } : none
  }
}

/** Serves an example of a plugin's README at free ports, with an upstream for each port that it names. */
export function example(
  plugin: string,
  title: string,
  parts: ExampleParts,
  check: (running: Example) => Promise<void>,
): void {
  test(`${plugin}: ${title}`, async () => {
    let { text } = listFences(`plugins/${plugin}/README.md`, 'corefile')[parts.nth ?? 0]!
    for (const [from, to] of Object.entries(parts.words ?? {})) {
      assert.ok(text.includes(from), `it has ${from}`)
      text = text.replaceAll(from, to)
    }
    const upstreams: Record<string, TestUpstream> = {}
    for (const [, port = ''] of text.matchAll(/127\.0\.0\.1:(53\d\d)/g)) {
      upstreams[port] ??= await startUpstream(parts.upstreams?.[port] ?? ordinary(port))
    }
    for (const [port, upstream] of Object.entries(upstreams)) text = text.replaceAll(`:${port}`, `:${upstream.port}`)
    const server = await startServer(text.replaceAll(':1053', ':0'), parts)
    try {
      await check({
        server,
        upstreams,
        async ask(name, type = 'A', options) {
          const reply = await server.query(name, type, options).catch(() => undefined)
          return reply
            ? [toRcodeName(reply.rcode), ...reply.answers.map(({ data }) => String(data))].join(' ')
            : 'silence'
        },
      })
    } finally {
      await server.stop()
      for (const upstream of Object.values(upstreams)) await upstream.close()
    }
  })
}

/** Turns the clock until the promise settles. */
export async function waitFor<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let settled = false
  const settles = promise.finally(() => {
    settled = true
  })
  for (let i = 0; i < 1000 && !settled; i++) await clock.advance(50)
  return settles
}
