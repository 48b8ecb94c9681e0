import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logger } from '../plugin/log.ts'
import { FakeClock, settle } from '../testing/fake-clock.ts'
import type { CorefileMaker, Made } from './corefile-maker.ts'
import type { Link } from './link.ts'
import { type AgentParts, NodeAgent } from './node-agent.ts'
import { NodeError } from './node-error.ts'

const ADDRESS = '127.0.0.1'

/** The agents of a node, in memory. */
class Node {
  readonly #claims = new Map<object, readonly string[]>()
  readonly #leads = new Map<object, readonly string[]>()
  #last: Promise<unknown> = Promise.resolve()

  join(): AgentParts['ownership'] {
    const me = {
      claim: async (addresses: readonly string[]) => void this.#claims.set(me, addresses),
      others: async () => [...this.#claims].flatMap(([agent, addresses]) => (agent === me ? [] : addresses)),
      lead: async (addresses: readonly string[]) => void this.#leads.set(me, addresses),
      leaders: async () => [...this.#leads].flatMap(([agent, addresses]) => (agent === me ? [] : addresses)),
      release: async () => void this.#claims.delete(me),
      exclusively: <T>(work: () => Promise<T>) => {
        const done = this.#last.then(work)
        this.#last = done
        return done
      },
    }
    return me
  }
}

/** An agent whose link, rules, files and server are words in a list. */
class Rig {
  readonly events: string[] = []
  readonly lines: string[] = []
  readonly clock = new FakeClock()
  made: Made = 'written'
  /** What is wrong with the server. */
  problem: string | undefined
  ruleError: Error | undefined
  /** What changes of rules wait for. */
  rulesWait: Promise<void> | undefined
  linkError: Error | undefined
  mended = 0
  hasAddress = true
  renewals = 0
  readonly agent: NodeAgent

  constructor(more: Partial<AgentParts['options']> = {}, node = new Node()) {
    const say = (text: string) => void this.lines.push(text)
    const log: Logger = { debug: say, info: say, warning: say, error: say, line: (_, text) => say(text) }
    const note = async (event: string) => {
      this.events.push(event)
      return this.mended
    }
    const rules = async (event: string) => {
      await this.rulesWait
      if (this.ruleError) throw this.ruleError
      return note(event)
    }
    this.agent = new NodeAgent({
      options: {
        localIps: [ADDRESS],
        skipTeardown: false,
        probeInterval: 1000,
        probeFailures: 3,
        syncInterval: 60_000,
        ...more,
      },
      clock: this.clock,
      log,
      link: {
        name: 'nodelocaldns',
        ensure: async () => {
          if (this.linkError) throw this.linkError
          return note('link')
        },
        renew: async () => void this.renewals++,
        remove: () => note('link off'),
      } as unknown as Link,
      interception: {
        kind: 'nftables',
        crashProof: { pods: 'at once', host: 'at once' },
        wantsLease: false,
        waits: { count: 0, seconds: 0 },
        ensure: ({ led }) => rules(led.length > 0 ? 'rules' : 'no lead'),
        remove: async () => void (await rules('rules off')),
      },
      ownership: node.join(),
      corefile: { make: async () => this.made } as unknown as CorefileMaker,
      removeLeftovers: async () => void (await note('leftovers off')),
      hasAddress: async () => this.hasAddress,
      probe: async () => this.problem,
      describe: () => '',
    })
  }

  /** What happened since the last call, without what is seen to again and again. */
  take(): string[] {
    return this.events.splice(0)
  }

  async start(): Promise<this> {
    await this.agent.prepare()
    this.made = 'unchanged'
    await this.agent.serving()
    this.take()
    return this
  }
}

test('no rule before the server has answered at each address', async () => {
  const rig = new Rig()
  await rig.agent.prepare()
  assert.deepEqual(rig.take(), ['leftovers off', 'link'])
  await rig.clock.advance(5000)
  assert.doesNotMatch(rig.take().join(), /rules/, 'nobody has said that the server serves')
  rig.problem = `UDP: no answer`
  await rig.agent.serving()
  assert.equal(rig.agent.state, 'off')
  assert.match(rig.agent.problem, /127\.0\.0\.1: UDP: no answer/)
  rig.problem = undefined
  await rig.clock.advance(1000)
  assert.deepEqual([rig.agent.state, rig.agent.problem], ['on', ''])
  assert.match(rig.take().join(), /rules$/)
})

test('at the end rules go first, then what they led here is waited for, then link and claim go', async () => {
  const rig = await new Rig().start()
  const left = rig.agent.leave()
  let settled = false
  void left.then(() => {
    settled = true
  })
  await settle()
  assert.deepEqual([rig.take(), settled], [['no lead'], false])
  await rig.clock.advance(200)
  assert.equal(settled, true)
  assert.deepEqual(rig.take(), [])
  await rig.agent.end()
  assert.deepEqual(rig.take(), ['rules off', 'link off'])
  assert.equal(rig.clock.pending, 0)
})

test('with another agent at the same addresses the rules stay until the last one ends', async () => {
  const node = new Node()
  const old = await new Rig({}, node).start()
  const fresh = await new Rig({}, node).start()
  await old.agent.leave()
  assert.deepEqual(old.take(), [])
  await old.agent.end()
  await fresh.clock.advance(0)
  void fresh.agent.leave()
  await settle()
  assert.deepEqual(fresh.take(), ['no lead'])
})

test('an agent that has joined but does not answer yet is nobody to leave the queries to', async () => {
  const node = new Node()
  const old = await new Rig({}, node).start()
  await new Rig({}, node).agent.prepare()
  void old.agent.leave()
  await settle()
  assert.deepEqual(old.take(), ['no lead'])
})

test('of two that end at once the second one takes the rules away', async () => {
  const node = new Node()
  const [a, b] = [await new Rig({}, node).start(), await new Rig({}, node).start()]
  void a.agent.leave()
  void b.agent.leave()
  await settle()
  assert.deepEqual([a.take(), b.take()], [[], ['no lead']])
})

test('rules that can not be taken away because of a lock are tried again before the server ends', async () => {
  const rig = await new Rig().start()
  rig.ruleError = new NodeError('holding the xtables lock', 'iptables_lock')
  let left = false
  void rig.agent.leave().then(() => {
    left = true
  })
  await rig.clock.advance(3000)
  assert.equal(left, false)
  rig.ruleError = undefined
  await rig.clock.advance(1000)
  assert.deepEqual([rig.take(), left], [['no lead'], true])
})

test('an agent that is told to end while it starts leaves nothing behind', async () => {
  const rig = new Rig()
  const prepared = rig.agent.prepare()
  await rig.agent.leave()
  await rig.agent.end()
  await prepared
  assert.deepEqual(
    rig.take().filter((event) => event !== 'corefile'),
    ['rules off', 'link off'],
  )
  assert.equal(rig.clock.pending, 0)
})

test('with -skipteardown everything stays', async () => {
  const rig = await new Rig({ skipTeardown: true }).start()
  await rig.agent.leave()
  await rig.agent.end()
  assert.deepEqual(rig.take(), [])
})

test('a server that does not answer loses the queries, and gets them back when it does', async () => {
  const rig = await new Rig().start()
  rig.problem = 'TCP: no answer'
  await rig.clock.advance(2000)
  assert.equal(rig.agent.state, 'on', 'twice may be chance')
  await rig.clock.advance(1000)
  assert.equal(rig.agent.state, 'withdrawn')
  assert.match(rig.take().join(), /no lead/)
  assert.match(rig.agent.problem, /TCP: no answer/)
  assert.equal(rig.agent.counts.probeFailures, 3)
  await rig.clock.advance(10_000)
  assert.doesNotMatch(rig.take().join(), /rules/)
  rig.problem = undefined
  await rig.clock.advance(1000)
  assert.equal(rig.agent.state, 'on')
})

test('one failure makes the agent look at link and rules', async () => {
  const rig = await new Rig().start()
  rig.problem = 'UDP: no answer'
  await rig.clock.advance(1000)
  assert.match(rig.take().join(), /link,rules/)
})

test('a server that dies again and again loses the queries at once', async () => {
  const rig = await new Rig().start()
  await rig.agent.failing()
  assert.equal(rig.agent.state, 'withdrawn')
  await rig.clock.advance(3000)
  assert.equal(rig.agent.state, 'withdrawn', 'good answers of a server that is not ours to start count for nothing')
  await rig.agent.serving()
  assert.equal(rig.agent.state, 'on')
})

test('rules are looked at every 1.5 seconds, link and rules every interval', async () => {
  const rig = await new Rig().start()
  await rig.clock.advance(3000)
  assert.deepEqual(rig.take(), ['rules', 'rules'])
  await rig.clock.advance(57_000)
  assert.ok(rig.take().includes('link'))
})

test('an address that is gone is put back within half a second', async () => {
  const rig = await new Rig().start()
  await rig.clock.advance(500)
  assert.deepEqual(rig.take(), [])
  rig.hasAddress = false
  await rig.clock.advance(500)
  assert.deepEqual(rig.take(), ['link'])
})

test('an address is put back while a change of rules waits for a lock', async () => {
  const rig = await new Rig().start()
  const lock = Promise.withResolvers<void>()
  rig.rulesWait = lock.promise
  await rig.clock.advance(1500)
  rig.hasAddress = false
  await rig.clock.advance(1000)
  assert.deepEqual(rig.take(), ['link', 'link'])
  rig.hasAddress = true
  await rig.clock.advance(500)
  assert.equal(rig.renewals, 4)
  lock.resolve()
  await rig.clock.advance(0)
  assert.match(rig.take().join(), /rules/)
})

test('addresses are kept until the server has ended, and not a moment longer', async () => {
  const rig = await new Rig().start()
  await rig.clock.advance(1000)
  assert.equal(rig.renewals, 2)
  void rig.agent.leave()
  await rig.clock.advance(5000)
  assert.equal(rig.renewals, 12, 'answers that are under way need them')
  await rig.agent.end()
  await rig.clock.advance(5000)
  assert.equal(rig.renewals, 12)
})

test('drift is counted and said', async () => {
  const rig = await new Rig().start()
  rig.mended = 2
  await rig.clock.advance(1500)
  assert.deepEqual(rig.agent.counts.drift, { link: 0, rules: 2 })
  assert.match(rig.lines.join('\n'), /rules were changed by others: 2/)
})

test('an error is counted by its kind each time, and said once', async () => {
  const rig = await new Rig().start()
  rig.ruleError = new NodeError('holding the xtables lock', 'iptables_lock')
  await rig.clock.advance(4500)
  assert.equal(rig.agent.counts.errors.iptables_lock, 3)
  assert.equal(rig.lines.filter((line) => line.includes('xtables')).length, 1)
  assert.equal(rig.agent.state, 'on')
})

test('a link that can not be made has two labels, as with node-cache', async () => {
  const rig = await new Rig().start()
  rig.linkError = new NodeError('no such device type', 'interface_add')
  rig.hasAddress = false
  await rig.clock.advance(500)
  const { interface_add, interface_check } = rig.agent.counts.errors
  assert.deepEqual([interface_add, interface_check], [1, 1])
})

test('rules that can not be made are tried again', async () => {
  const rig = new Rig()
  rig.ruleError = new Error('no permission')
  await rig.agent.prepare()
  await rig.agent.serving()
  assert.deepEqual([rig.agent.state, rig.agent.problem], ['off', 'no permission'])
  rig.ruleError = undefined
  await rig.clock.advance(1000)
  assert.equal(rig.agent.state, 'on')
})

test('a Corefile that can not be made is counted', async () => {
  const rig = await new Rig().start()
  rig.made = 'rejected'
  await rig.clock.advance(1000)
  assert.equal(rig.agent.counts.errors.configmap, 1)
  rig.made = 'written'
  await rig.clock.advance(1000)
  assert.equal(rig.agent.counts.errors.configmap, 1)
})
