import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { FakeClock, toQuery } from 'corelet/plugin/testing'
import { LateAnswers } from '../../src/forwarding/late-answers.ts'
import { type Received, toAnswer } from '../../src/upstream/testing.ts'
import { Upstreams, until } from './testing.ts'

describe('an answer that comes after the client was told that there is none', () => {
  const upstreams = new Upstreams()
  const held: Received[] = []
  const arrived = 'coredns_proxy_request_duration_seconds'
  before(() => upstreams.open(1))
  after(() => upstreams.close())

  /** Asks for a name without an answer, then lets its answer come. */
  async function withLateAnswer(
    name: string,
    run: (forward: { resolve(name: string, proto?: 'udp' | 'tcp'): Promise<string> }) => Promise<void>,
  ): Promise<void> {
    const { first } = upstreams
    const options = 'read_timeout 200ms\n max_connect_attempts 1'
    await upstreams.with(`forward . ${first} {\n ${options}\n}`, async ({ resolve, context }) => {
      held.length = 0
      upstreams.responds[0] = (query) => void held.push(query)
      assert.equal(await resolve(name), 'SERVFAIL')
      held[0]!.send(toAnswer(held[0]!, { addresses: ['192.0.2.77'] }))
      await until(() => context.metrics.value(arrived, 'forward', first, 'NOERROR') === 1)
      upstreams.responds[0] = (query) => query.send(toAnswer(query, { addresses: ['192.0.2.88'] }))
      await run({ resolve })
    })
  }

  it('is for the next one that asks the same, once', async () => {
    await withLateAnswer('late.example', async ({ resolve }) => {
      assert.equal(await resolve('LATE.example'), '192.0.2.77')
      assert.equal(upstreams.asked(0).length, 1, 'nobody is asked for it')
      assert.equal(await resolve('late.example'), '192.0.2.88')
    })
  })

  it('is for nobody else', async () => {
    await withLateAnswer('late.example', async ({ resolve }) => {
      assert.equal(await resolve('other.example'), '192.0.2.88')
      assert.equal(await resolve('late.example', 'tcp'), '192.0.2.88')
    })
  })
})

describe('answers that came late', () => {
  it('are kept for ten seconds, so many of them', async () => {
    const clock = new FakeClock()
    const late = new LateAnswers(clock)
    const outcome = { upstream: undefined, error: '', kind: 'timeout' } as const
    for (let i = 0; i < 300; i++) late.put(toQuery(`n${i}.example`), outcome)
    assert.equal(late.take(toQuery('n0.example')), undefined, 'those that came first have gone')
    assert.equal(late.take(toQuery('n299.example')), outcome)
    await clock.advance(9999)
    assert.equal(late.take(toQuery('n298.example')), outcome)
    await clock.advance(1)
    assert.equal(late.take(toQuery('n297.example')), undefined)
  })
})
