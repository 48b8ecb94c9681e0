/** Starts `forward` with real sockets and a real clock, for its tests. */
import { type Next, type Query, type Reply, systemClock } from 'corelet/plugin'
import { type FakeContext, fakeContext, startPlugin, toNext, toQuery } from '../../src/plugin/testing.ts'
import forward from './index.ts'

export interface RunningForward {
  context: FakeContext
  ask(query: Query, next?: Next): Promise<Reply>
  /** Asks for `name A`, then takes the address of the first record, or the rcode when there is none. */
  resolve(name: string, proto?: 'udp' | 'tcp'): Promise<string>
  stop(): void
}

/** @param text the directive @throws Error as startPlugin */
export async function startForward(text: string): Promise<RunningForward> {
  const context: FakeContext = Object.assign(fakeContext({ plugin: 'forward' }), { clock: systemClock as never })
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
