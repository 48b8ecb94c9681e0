import type { Clock } from '../plugin/clock.ts'
import type { Logger } from '../plugin/log.ts'
import type { CorefileMaker } from './corefile-maker.ts'
import type { Interception } from './interception.ts'
import type { Link } from './link.ts'
import { NodeError, type NodeProblem } from './node-error.ts'
import type { AgentOptions } from './options.ts'
import type { Ownership } from './ownership.ts'
import { Watch } from './watch.ts'

/** Label `errortype` of node-cache's counter of errors. */
export type ErrorType = 'configmap' | NodeProblem

/** Milliseconds between two looks whether the addresses are there. */
const ADDRESS_INTERVAL = 500
/** Milliseconds between two looks at the rules of iptables. */
const RULE_INTERVAL = 1500
/** Milliseconds between two looks at the files that the Corefile is made from. */
const FILE_INTERVAL = 1000
/** Milliseconds until packets that rules still led to us have come in. */
const SETTLE_TIME = 200

/** Milliseconds for which the end of the agent waits for rules that can't be changed, because others hold a lock. */
const LEAVE_LIMIT = 20_000
const RETRY_INTERVAL = 500

/** Counts of the agent, for metrics and status. */
export interface AgentCounts {
  errors: Record<ErrorType, number>
  /** Addresses and rules that had to be mended after the start. */
  drift: { link: number; rules: number }
  /** Failed queries to the own addresses. */
  probeFailures: number
}

/** Whether queries are led to this server, and why not. */
export type InterceptionState = 'off' | 'on' | 'withdrawn'

export interface AgentParts {
  options: Pick<AgentOptions, 'localIps' | 'skipTeardown' | 'probeInterval' | 'probeFailures' | 'syncInterval'>
  clock: Clock
  log: Logger
  /** undefined when others put the addresses somewhere. */
  link: Link | undefined
  interception: Interception
  ownership: Pick<Ownership, 'claim' | 'others' | 'lead' | 'leaders' | 'release' | 'exclusively'>
  corefile: CorefileMaker
  /** Removes what predecessors left. */
  removeLeftovers(others: readonly string[]): Promise<void>
  /** Whether the node has an address. */
  hasAddress(address: string): Promise<boolean>
  /** Asks the server at an address, over UDP and TCP; says what is wrong. */
  probe(address: string): Promise<string | undefined>
  /** What is told to those who ask for the agent's status. */
  describe(): string
}

/**
 * The agent of a node. Its promise: queries are led to this server only as long as it answers them. So the order is: Corefile, addresses,
 * server, a good answer at each address, rules; and at the end rules, server, addresses.
 */
export class NodeAgent {
  readonly counts: AgentCounts = {
    errors: { configmap: 0, interface_add: 0, interface_check: 0, iptables: 0, iptables_lock: 0 },
    drift: { link: 0, rules: 0 },
    probeFailures: 0,
  }
  readonly #parts: AgentParts
  readonly #watches: Watch[] = []
  #addresses: Watch | undefined
  #prepared: Promise<void> | undefined
  /** Work on link and rules runs one after the other. */
  #work: Promise<void> = Promise.resolve()
  #serving = false
  /** The rules have been there once: what is missing now was removed by others. */
  #known = false
  #failures = 0
  #state: InterceptionState = 'off'
  #problem = 'the server has not started yet'
  #said = ''
  #leaving: Promise<void> | undefined

  constructor(parts: AgentParts) {
    this.#parts = parts
  }

  get interception(): Pick<Interception, 'kind' | 'crashProof' | 'waits'> {
    return this.#parts.interception
  }

  get state(): InterceptionState {
    return this.#state
  }

  /** Why queries are not led to this server; empty when they are. */
  get problem(): string {
    return this.#state === 'on' ? '' : this.#problem
  }

  /**
   * Before the server starts: the Corefile, the node free of what predecessors left, the addresses in place.
   * @throws (rejects) NodeError when the addresses can't be had
   */
  prepare(): Promise<void> {
    this.#prepared = this.#prepare()
    return this.#prepared
  }

  async #prepare(): Promise<void> {
    const { ownership, options } = this.#parts
    await this.#makeCorefile()
    await ownership.exclusively(async () => {
      if (this.#leaving) return
      await ownership.claim(options.localIps, this.#parts.describe)
      const others = await ownership.others()
      await this.#parts.removeLeftovers(others).catch((error: unknown) => this.#note(error))
      await this.#parts.link?.ensure(options.localIps, others)
    })
    if (this.#leaving) return
    const watch = (interval: number, look: () => Promise<void>) => new Watch(this.#parts.clock, interval, look)
    this.#addresses = watch(ADDRESS_INTERVAL, () => this.#keepAddresses())
    this.#watches.push(
      watch(FILE_INTERVAL, () => this.#makeCorefile()),
      watch(RULE_INTERVAL, () => this.#checkRules()),
      watch(options.syncInterval, () => this.#repair()),
      watch(options.probeInterval, () => this.#probe()),
    )
  }

  /** The server listens. @returns when its answers were seen and queries are led to it, or that failed */
  async serving(): Promise<void> {
    this.#serving = true
    // what lets the agent's own queries through
    await this.#alone(() => this.#ensureRules())
    await this.#probe()
  }

  /** The server will not come back by itself for a while: queries take the other way. */
  async failing(): Promise<void> {
    this.#serving = false
    await this.#withdraw('the server does not start')
  }

  /** Before the server ends: new queries take the other way, unless another agent wants them. */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  async #leave(): Promise<void> {
    const { ownership, options, clock } = this.#parts
    for (const watch of this.#watches.splice(0)) void watch.end()
    await this.#work
    if (options.skipTeardown || this.#state !== 'on') return
    const withdrawn = await ownership.exclusively(async () => {
      await ownership.lead([])
      const leaders = await ownership.leaders()
      if (options.localIps.every((each) => leaders.includes(each))) return false
      const limit = clock.monotonic() + LEAVE_LIMIT
      await this.#withdraw('the server ends')
      while (this.state === 'on' && clock.monotonic() < limit) {
        await this.#pause(RETRY_INTERVAL)
        await this.#withdraw('the server ends')
      }
      return true
    })
    if (withdrawn) await this.#pause(SETTLE_TIME)
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.timeout(milliseconds, resolve))
  }

  /** After the server has ended: nothing of ours stays on the node. */
  async end(): Promise<void> {
    const { ownership, options, link, interception } = this.#parts
    await this.#prepared?.catch(() => {})
    await this.#addresses?.end()
    await this.#work
    await ownership.exclusively(async () => {
      await ownership.release()
      if (options.skipTeardown) return
      const others = await ownership.others()
      await interception.remove({ own: options.localIps, others }).catch((error: unknown) => this.#note(error))
      await link?.remove(options.localIps, others).catch((error: unknown) => this.#note(error))
    })
  }

  async #makeCorefile(): Promise<void> {
    try {
      const made = await this.#parts.corefile.make()
      if (made === 'rejected') this.counts.errors.configmap++
    } catch (error) {
      this.counts.errors.configmap++
      this.#parts.log.error((error as Error).message)
    }
  }

  /** Until the very end: answers that are under way leave from them. Rules that others' locks hold up hold up no address. */
  async #keepAddresses(): Promise<void> {
    const { link, options, hasAddress } = this.#parts
    if (!link) return
    const here = await Promise.all(options.localIps.map(hasAddress))
    if (!here.includes(false)) await link.renew(options.localIps)
    else if (!this.#leaving) await this.#ensureLink()
  }

  async #checkRules(): Promise<void> {
    if (this.#serving) await this.#alone(() => this.#ensureRules())
  }

  /** Link and rules, as they should be. */
  async #repair(): Promise<void> {
    await this.#alone(async () => {
      await this.#ensureLink()
      if (this.#serving) await this.#ensureRules()
    })
  }

  async #ensureLink(): Promise<void> {
    const { link, ownership, options } = this.#parts
    try {
      const mended = (await link?.ensure(options.localIps, await ownership.others())) ?? 0
      this.counts.drift.link += mended
      if (mended > 0) this.#parts.log.warning(`link ${link?.name} was changed by others: ${mended} things mended`)
    } catch (error) {
      this.#note(error)
    }
  }

  async #ensureRules(): Promise<void> {
    const known = this.#known
    try {
      const mended = await this.#setRules(this.#state === 'on')
      this.#known = true
      if (!known) return
      this.counts.drift.rules += mended
      if (mended > 0) this.#parts.log.warning(`rules were changed by others: ${mended} mended`)
      this.#said = ''
    } catch (error) {
      this.#note(error)
    }
  }

  /** @returns number of rules that were not as they should be @throws (rejects) */
  async #setRules(leading: boolean): Promise<number> {
    const { interception, ownership, options } = this.#parts
    const leaders = await ownership.leaders()
    const led = options.localIps.filter((each) => leading || leaders.includes(each))
    return interception.ensure({ own: options.localIps, led, others: await ownership.others() })
  }

  /** Asks each address; what comes back decides whether queries are led here. */
  async #probe(): Promise<void> {
    if (!this.#serving || this.#leaving) return
    const { options, probe } = this.#parts
    const answers = await Promise.all(
      options.localIps.map(async (address) => {
        const problem = await probe(address)
        return problem === undefined ? [] : [`${address}: ${problem}`]
      }),
    )
    const problems = answers.flat()
    if (this.#leaving || !this.#serving) return
    if (problems.length === 0) {
      this.#failures = 0
      if (this.#state !== 'on') await this.#intercept()
      return
    }
    this.counts.probeFailures++
    this.#failures++
    this.#problem = problems.join('; ')
    if (this.#failures >= options.probeFailures) await this.#withdraw(this.#problem)
    else {
      const known = this.#known
      await this.#repair()
      // only now could there be an answer
      if (this.#known && !known) await this.#probe()
    }
  }

  async #intercept(): Promise<void> {
    await this.#alone(async () => {
      const { interception, ownership, options, log } = this.#parts
      if (this.#leaving) return
      try {
        await this.#setRules(true)
        await ownership.lead(options.localIps)
        this.#state = 'on'
        this.#said = ''
        log.info(`queries to ${options.localIps.join(', ')} are led here (${interception.kind})`)
      } catch (error) {
        this.#problem = (error as Error).message
        this.#note(error)
      }
    })
  }

  async #withdraw(reason: string): Promise<void> {
    this.#problem = reason
    await this.#alone(async () => {
      const { ownership, options, log } = this.#parts
      if (this.#state !== 'on') return
      try {
        await ownership.lead([])
        await this.#setRules(false)
        this.#state = 'withdrawn'
        log.warning(`queries to ${options.localIps.join(', ')} are not led here any more: ${reason}`)
      } catch (error) {
        this.#note(error)
      }
    })
  }

  #alone(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work)
    return this.#work
  }

  /** Counts an error, and says it unless it was the last thing that was said. */
  #note(error: unknown): void {
    const { message } = error as Error
    const problem = error instanceof NodeError ? error.problem : 'iptables'
    this.counts.errors[problem]++
    // as node-cache counts
    if (problem === 'interface_add') this.counts.errors.interface_check++
    if (message !== this.#said) this.#parts.log.error(message)
    this.#said = message
  }
}
