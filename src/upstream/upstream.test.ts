import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { chooseLibc } from '../net/libc.ts'
import { systemClock } from '../plugin/clock.ts'
import { FakeClock, settle } from '../testing/fake-clock.ts'
import { Deadlines } from './deadlines.ts'
import { ExchangeFailure } from './failure.ts'
import { Pending, type Result } from './pending.ts'
import { createPolicy } from './policy.ts'
import type { Question } from './question.ts'
import { SingleFlight } from './single-flight.ts'
import { type FakeServer, type Received, startFakeServer, toAnswer } from './testing.ts'
import { UdpSocket } from './udp-socket.ts'
import { Upstream, type UpstreamOptions } from './upstream.ts'

function ask(name: string): Question {
  const labels = name.split('.').map((label) => String.fromCharCode(label.length) + label)
  const packet = Buffer.from(`\0\0\x01\0\0\x01\0\0\0\0\0\0${labels.join('')}\0\0\x01\0\x01`, 'latin1')
  return { packet, questionEnd: packet.length, anyReply: false }
}

function toUpstream(port: number, options: Partial<UpstreamOptions> = {}) {
  const cached = { hits: 0, misses: 0 }
  const counts = { declined: 0 }
  const upstream = new Upstream({
    target: { transport: 'dns', address: '127.0.0.1', port },
    clock: systemClock,
    forceTcp: false,
    preferUdp: false,
    readTimeout: 2000,
    expire: 10_000,
    maxAge: 0,
    maxIdle: 0,
    maxFails: 0,
    healthCheck: { interval: 500, recursionDesired: true, domain: '.' },
    events: {
      mismatch() {},
      cached: (_proto, hit) => void cached[hit ? 'hits' : 'misses']++,
      probeFailed() {},
      declined: () => void counts.declined++,
    },
    ...options,
  })
  return { upstream, cached, counts }
}

function exchange(upstream: Upstream, question: Question, proto: 'udp' | 'tcp'): Promise<Result> {
  return new Promise((resolve) => upstream.exchange(question, proto, resolve))
}

async function withServer(respond: (query: Received) => void, run: (server: FakeServer) => Promise<void>) {
  const server = await startFakeServer({ respond })
  try {
    await run(server)
  } finally {
    await server.close()
  }
}

const answer = (query: Received) => query.send(toAnswer(query))

describe('connections', () => {
  it('are reused until they were idle for longer than expire', async () => {
    await withServer(answer, async (server) => {
      const clock = new FakeClock()
      const { upstream } = toUpstream(server.port, { clock, expire: 5000 })
      const succeed = async (name: string) =>
        assert.ok(!((await exchange(upstream, ask(name), 'tcp')) instanceof Error))
      await succeed('a')
      await clock.advance(4000)
      await succeed('b')
      await clock.advance(4000)
      await succeed('c')
      assert.equal(server.connections.length, 1)
      await clock.advance(5001)
      await succeed('d')
      assert.equal(server.connections.length, 2)
      upstream.close()
    })
  })

  it('are used no longer than max_age', async () => {
    await withServer(answer, async (server) => {
      const clock = new FakeClock()
      const { upstream } = toUpstream(server.port, { clock, expire: 5000, maxAge: 6000 })
      for (let i = 0; i < 4; i++) {
        await exchange(upstream, ask(`n${i}`), 'tcp')
        await clock.advance(4000)
      }
      assert.equal(server.connections.length, 2)
      upstream.close()
    })
  })

  it('are closed when idle ones exceed max_idle_conns', async () => {
    const waiting: Received[] = []
    const respond = (query: Received) => {
      waiting.push(query)
      if (waiting.length === 4) for (const each of waiting) answer(each)
    }
    await withServer(respond, async (server) => {
      const { upstream } = toUpstream(server.port, { maxIdle: 1 })
      await Promise.all(['a', 'b', 'c', 'd'].map((name) => exchange(upstream, ask(name), 'tcp')))
      assert.equal(server.connections.length, 4)
      const open = () => server.connections.filter((socket) => !socket.destroyed).length
      for (let i = 0; i < 1000 && open() > 1; i++) await settle()
      assert.equal(open(), 1)
      upstream.close()
    })
  })

  it('are counted as found or opened', async () => {
    await withServer(answer, async (server) => {
      const { upstream, cached } = toUpstream(server.port)
      for (let i = 0; i < 5; i++) await exchange(upstream, ask('a'), 'tcp')
      assert.deepEqual(cached, { hits: 4, misses: 1 })
      upstream.close()
    })
  })
})

describe('an upstream', () => {
  it('sends nothing once closed, and what is out fails', async () => {
    await withServer(
      () => {},
      async (server) => {
        const { upstream } = toUpstream(server.port)
        const out = [exchange(upstream, ask('a'), 'udp'), exchange(upstream, ask('b'), 'tcp')]
        upstream.close()
        for (const result of await Promise.all(out)) assert.ok(result instanceof ExchangeFailure)
        const late = await exchange(upstream, ask('c'), 'udp')
        assert.ok(late instanceof ExchangeFailure && late.kind === 'declined')
      },
    )
  })

  it('turns errors of sockets into results', async () => {
    const gone = await startFakeServer({ respond: () => {} })
    await gone.close()
    const cases: [what: string, options: Partial<UpstreamOptions>, proto: 'udp' | 'tcp'][] = [
      ['a closed UDP port', {}, 'udp'],
      ['a closed TCP port', {}, 'tcp'],
      ['a source address of another machine, UDP', { sourceAddress: '192.0.2.1' }, 'udp'],
      ['a source address of another machine, TCP', { sourceAddress: '192.0.2.1' }, 'tcp'],
      ['a source address of another family', { sourceAddress: '::1' }, 'udp'],
      ['a broadcast address', { target: { transport: 'dns', address: '255.255.255.255', port: 53 } }, 'udp'],
    ]
    for (const [what, options, proto] of cases) {
      const { upstream } = toUpstream(gone.port, options)
      const result = await exchange(upstream, ask('a'), proto)
      assert.ok(result instanceof ExchangeFailure && result.kind === 'network', what)
      upstream.close()
    }
  })

  it('is asked from a new port each time, by queries that come in together from one if the back end can', async () => {
    await withServer(answer, async (server) => {
      const { upstream } = toUpstream(server.port)
      const askTogether = () => Promise.all(['a', 'b', 'c', 'd'].map((name) => exchange(upstream, ask(name), 'udp')))
      for (let i = 0; i < 5; i++) for (const result of await askTogether()) assert.ok(!(result instanceof Error))
      const ports = new Set(server.received.map(({ port }) => port))
      assert.equal(ports.size, chooseLibc() ? 5 : 20)
      upstream.close()
    })
  })

  it('is asked over UDP although the process can open no more files', async () => {
    await withServer(answer, async (server) => {
      const script = `
        import { openSync } from 'node:fs'
        import { setTimeout } from 'node:timers/promises'
        const { systemClock } = await import('${new URL('../plugin/clock.ts', import.meta.url)}')
        const { Upstream } = await import('${new URL('./upstream.ts', import.meta.url)}')
        const upstream = new Upstream({
          target: { transport: 'dns', address: '127.0.0.1', port: ${server.port} }, clock: systemClock,
          forceTcp: false, preferUdp: false, readTimeout: 2000, expire: 10000, maxAge: 0, maxIdle: 0, maxFails: 0,
          healthCheck: { interval: 500, recursionDesired: true, domain: '.' },
          events: { mismatch() {}, cached() {}, probeFailed() {} },
        })
        try { for (;;) openSync('/dev/null') } catch (error) { if (error.code !== 'EMFILE') throw error }
        const packet = Uint8Array.from([${[...ask('full.example').packet]}])
        const questions = Array.from({ length: 50 }, () => ({ packet, questionEnd: packet.length, anyReply: false }))
        const results = await Promise.all(questions.map((question) =>
          new Promise((done) => upstream.exchange(question, 'udp', done))
        ))
        process.stdout.write(String(results.filter((result) => !(result instanceof Error)).length))
        process.exit()
      `
      const command = 'ulimit -n 64 && exec "$0" --input-type=module --eval "$1"'
      const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, script])
      assert.equal(stdout, '50')
    })
  })

  it('lets queries that have waited long make room for new ones', async () => {
    const clock = new FakeClock()
    await withServer(
      (query) => {
        if (query.name === 'good.') answer(query)
      },
      async (server) => {
        const { upstream, counts } = toUpstream(server.port, { clock })
        const dead = Array.from({ length: 8192 }, () => exchange(upstream, ask('dead'), 'udp'))
        const refused = await exchange(upstream, ask('good'), 'udp')
        assert.ok(refused instanceof ExchangeFailure && refused.kind === 'declined')
        await clock.advance(200)
        const result = await exchange(upstream, ask('good'), 'udp')
        assert.ok(!(result instanceof ExchangeFailure))
        const first = await dead[0]!
        assert.ok(first instanceof ExchangeFailure && first.kind === 'declined')
        assert.equal(counts.declined, 2)
        upstream.close()
        await Promise.all(dead)
      },
    )
  })
})

describe('a UDP socket', () => {
  it('takes late answers for no forgeries', async () => {
    const clock = new FakeClock()
    const deadlines = new Deadlines<Pending>(clock, 100)
    const mismatches: string[] = []
    const late: Received[] = []
    const respond = (query: Received) => {
      if (query.name === 'late.') late.push(query)
      else for (const each of [...late, query]) answer(each)
    }
    await withServer(respond, async ({ address, port }) => {
      const target = { transport: 'dns' as const, address, port }
      const socket = new UdpSocket(target, undefined, 0, { mismatch: (reason) => void mismatches.push(reason) })
      const exchange = (name: string) =>
        new Promise((resolve) => socket.send(new Pending(ask(name), deadlines, resolve), clock.monotonic()))
      const unanswered = Array.from({ length: 10 }, () => exchange('late'))
      for (let i = 0; i < 1000 && late.length < 10; i++) await settle()
      await clock.advance(110)
      for (const result of await Promise.all(unanswered)) assert.ok(result instanceof ExchangeFailure)
      assert.ok(!((await exchange('good')) instanceof Error))
      assert.deepEqual(mismatches, [])
      await new Promise<void>((resolve) => socket.retire(resolve))
    })
  })
})

describe('policies', () => {
  const servers = ['a', 'b', 'c']
  it('sequential keeps the order', () => {
    assert.deepEqual(createPolicy('sequential')(servers), servers)
  })

  it('round_robin goes on by one and keeps the order of the others', () => {
    const policy = createPolicy('round_robin')
    const orders = Array.from({ length: 4 }, () => policy(servers).join(''))
    assert.deepEqual(orders, ['bac', 'cab', 'abc', 'bac'])
    assert.deepEqual(createPolicy('round_robin')(['only']), ['only'])
  })

  it('random gives every order', () => {
    const policy = createPolicy('random')
    const orders = new Set(Array.from({ length: 500 }, () => policy(servers).join('')))
    assert.equal(orders.size, 6)
    assert.deepEqual(servers, ['a', 'b', 'c'])
  })
})

describe('SingleFlight', () => {
  /** Jobs that end when the test says so, or with -1 when they are cancelled. */
  const make = () => {
    const started: ((result: number) => void)[] = []
    const flights = new SingleFlight<string, number>({
      hash: (asked) => (asked === 'alone' ? undefined : asked.length),
      isSame: (one, other) => one === other,
      start: (asked, done) => {
        if (asked === 'known') done(3)
        else started.push(done)
        return { cancel: () => done(-1) }
      },
    })
    return { flights, started, run: (asked: string) => flights.run(asked) }
  }

  it('runs one job for one thing at a time, also where two have the same hash', async () => {
    const { flights, started, run } = make()
    const results = ['a', 'a', 'b'].map(run)
    assert.deepEqual(
      results.map(({ shared }) => shared),
      [false, true, false],
    )
    started.forEach((done, i) => {
      done(i)
    })
    assert.deepEqual(await Promise.all(results.map(({ flight }) => flight.result)), [0, 0, 1])
    assert.equal(flights.size, 0)
    assert.equal(await run('known').flight.result, 3)
    assert.equal(flights.size, 0)
  })

  it('runs a job of its own for what has no hash', () => {
    const { flights, started, run } = make()
    assert.deepEqual([run('alone').shared, run('alone').shared, started.length, flights.size], [false, false, 2, 0])
  })

  it('ends a job when the last that waits for it has left', async () => {
    const { flights, run } = make()
    const { flight } = run('a')
    assert.equal(run('a').flight, flight)
    flight.leave()
    assert.equal(flights.size, 1)
    flight.leave()
    assert.equal(await flight.result, -1)
    assert.equal(flights.size, 0)
    assert.notEqual(run('a').flight, flight)
  })
})
