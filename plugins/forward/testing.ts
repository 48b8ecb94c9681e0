/** Starts `forward` with real sockets and a real clock, for its tests. */
import { type Listener, type Next, type Query, type Reply, systemClock } from 'corelet/plugin'
import { type FakeContext, fakeContext, settle, startPlugin, toNext, toQuery } from 'corelet/plugin/testing'
import { type FakeServer, type Received, startFakeServer, toAnswer } from '../../src/upstream/testing.ts'
import forward from './index.ts'

export interface RunningForward {
  context: FakeContext
  ask(query: Query, next?: Next): Promise<Reply>
  /** Asks for `name A`, then takes the address of the first record, or the rcode when there is none. */
  resolve(name: string, proto?: 'udp' | 'tcp'): Promise<string>
  stop(): void
}

/** @param text the directive @param listeners of its block @throws Error as startPlugin */
export async function startForward(text: string, listeners?: readonly Listener[]): Promise<RunningForward> {
  const context: FakeContext = Object.assign(fakeContext({ plugin: 'forward' }), { clock: systemClock as never })
  if (listeners) Object.assign(context.block, { listeners })
  const { running } = await startPlugin(forward, text, context)
  const ask = async (query: Query, next: Next = unasked) => running.handler!(query, next)
  return {
    context,
    ask,
    async resolve(name, proto = 'udp') {
      const reply = await ask(toQuery(name, 'A', { proto, received: systemClock.monotonic() }))
      const { wire, scan } = reply
      if (!wire || !scan || scan.answers === 0) return reply.truncated ? 'TC' : reply.rcodeName
      return [...wire.subarray(scan.questionEnd + 12, scan.questionEnd + 16)].join('.')
    },
    stop: () => void running.stop?.(),
  }
}

const unasked: Next = toNext(() => {
  throw new Error('next was asked')
})

/** Upstreams that answer with their own address record, 192.0.2.N, until told otherwise. */
export class Upstreams {
  servers: FakeServer[] = []
  responds: ((query: Received) => void)[] = []

  async open(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.responds.push(() => {})
      this.servers.push(await startFakeServer({ respond: (query) => this.responds[i]!(query) }))
    }
    this.reset()
  }

  reset(): void {
    this.responds.forEach((_, i) => {
      this.responds[i] = (query) => query.send(toAnswer(query, { addresses: [`192.0.2.${i + 1}`] }))
    })
    for (const server of this.servers) server.received.length = 0
  }

  refuse(i: number, rcode: number): void {
    this.responds[i] = (query) => query.send(toAnswer(query, { rcode, addresses: [] }))
  }

  /** Queries that an upstream got, health probes left out: those of a test before may still come in. */
  asked(i: number): Received[] {
    return this.servers[i]!.received.filter(({ name }) => name !== '.')
  }

  get list(): string {
    return this.servers.map(({ port }) => `127.0.0.1:${port}`).join(' ')
  }

  async close(): Promise<void> {
    for (const server of this.servers) await server.close()
  }

  /** `127.0.0.1:PORT` of the first. */
  get first(): string {
    return `127.0.0.1:${this.servers[0]!.port}`
  }

  /** Runs `forward` from the text of a directive, with upstreams that know nothing of tests before. */
  async with(text: string, run: (forward: RunningForward) => Promise<void>): Promise<void> {
    this.reset()
    const running = await startForward(text)
    try {
      await run(running)
    } finally {
      running.stop()
    }
  }
}

/** Waits for sockets, without a timer; fails the test after many turns of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 5000; i++) {
    if (condition()) return
    await settle()
  }
  throw new Error('it never came to be')
}
