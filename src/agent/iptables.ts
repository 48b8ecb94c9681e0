import { type Clock, systemClock } from '../plugin/clock.ts'
import type { Exec, Outcome } from './exec.ts'
import type { IptablesCommands } from './iptables-flavour.ts'
import { planRules } from './iptables-plan.ts'
import { parseSave, type SavedRule } from './iptables-save.ts'
import { NodeError } from './node-error.ts'
import type { RulePosition } from './options.ts'
import { type Family, familyOf, type Rule } from './rules.ts'

/** Seconds that iptables waits for another program's lock before it gives up. */
const LOCK_WAIT = '5'
/** What is said to those who may not look; a machine without IPv6 says something else. */
const FORBIDDEN = /Permission denied|Operation not permitted/

/** Chain by which it is tried what the kernel knows; nothing leads to it. */
const TRIAL = 'CORELET-PROBE'
const END_OF_TRIAL = `*raw\n:${TRIAL} - [0:0]\n-X ${TRIAL}\nCOMMIT\n`

/** Looks and changes of one call: others may change rules between the two. */
const ATTEMPTS = 3
/** Times in a row that rules are moved in front of those of others; who always wants to be first, too, is not fought for ever. */
const MOVES = 5
/** Milliseconds that there are for a move, on average. */
const MOVE_INTERVAL = 60_000

/** What was not as it should be, and is now. */
export interface Repairs {
  missing: number
  misplaced: number
  surplus: number
}

/** How often, and for how many seconds in all, changes of rules were held up by others who hold the lock of iptables. */
export interface LockWaits {
  count: number
  seconds: number
}

/** Milliseconds; a change that takes longer has waited for the lock: iptables does not say so. */
const WAITED = 1000

/** The rules of an agent in the tables of iptables. Calls run one after the other: never is more than one iptables waiting. */
export class Iptables {
  readonly commands: IptablesCommands
  readonly waits: LockWaits = { count: 0, seconds: 0 }
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #exec: Exec
  readonly #position: RulePosition
  #last: Promise<unknown> = Promise.resolve()
  /** When rules were moved, in milliseconds of the clock. */
  #moves: number[] = []

  constructor(
    exec: Exec,
    commands: IptablesCommands,
    position: RulePosition,
    clock: Pick<Clock, 'monotonic'> = systemClock,
  ) {
    this.#clock = clock
    this.#exec = exec
    this.commands = commands
    this.#position = position
  }

  /**
   * Makes `wanted` be there, once each and in front, and nothing else of ours, in one transaction for each family and table.
   * @param own addresses that we serve, whether rules are wanted for them or not
   * @param others addresses that others who are alive have rules for
   * @throws (rejects) NodeError
   */
  ensure(wanted: readonly Rule[], own: readonly string[], others: readonly string[]): Promise<Repairs> {
    return this.#queue(async () => {
      const repairs: Repairs = { missing: 0, misplaced: 0, surplus: 0 }
      for (const family of ['ipv4', 'ipv6'] as const) {
        const made = await this.#ensureFamily(family, wanted, new Set(own), new Set(others))
        repairs.missing += made.missing
        repairs.misplaced += made.misplaced
        repairs.surplus += made.surplus
      }
      return repairs
    })
  }

  /** The rules that are there and have the shape of ours. @throws (rejects) NodeError */
  list(): Promise<Rule[]> {
    return this.#queue(async () => {
      const saved = [...(await this.#save('ipv4')), ...(await this.#save('ipv6'))]
      return saved.flatMap(({ shape }) => shape ?? [])
    })
  }

  /** Whether the kernel takes a match, such as `socket`: by a chain that nothing leads to, and that goes away again. */
  knowsMatch(match: string): Promise<boolean> {
    return this.#queue(async () => {
      const rule = `*raw\n:${TRIAL} - [0:0]\n-A ${TRIAL} -p udp -m ${match} -j RETURN\nCOMMIT\n`
      const { code } = await this.#restore('ipv4', rule)
      await this.#restore('ipv4', END_OF_TRIAL)
      return code === 0
    })
  }

  /** The chain that {@link knowsMatch} leaves when the agent is killed meanwhile; undefined when there is none. */
  findTrial(): Promise<string | undefined> {
    return this.#queue(async () => {
      const { stdout } = await this.#exec(this.commands.save.ipv4, ['-t', 'raw'])
      return stdout.includes(`\n:${TRIAL} `) ? TRIAL : undefined
    })
  }

  /** Takes that chain away. */
  async removeTrial(): Promise<void> {
    if (await this.findTrial()) await this.#queue(() => this.#restore('ipv4', END_OF_TRIAL))
  }

  async #ensureFamily(
    family: Family,
    wanted: readonly Rule[],
    own: ReadonlySet<string>,
    others: ReadonlySet<string>,
  ): Promise<Repairs> {
    const here = wanted.filter(({ address }) => familyOf(address) === family)
    for (let attempt = 1; ; attempt++) {
      const saved = await this.#save(family, here.length > 0)
      const plan = planRules({ saved, wanted: here, own, others, position: this.#position, moves: this.#mayMove() })
      if (plan.script === '') return plan
      const outcome = await this.#restore(family, plan.script)
      if (outcome.code === 0) {
        if (plan.misplaced > 0) this.#moves.push(this.#clock.monotonic())
        return plan
      }
      const error = describe(this.commands.restore[family], outcome)
      if (attempt === ATTEMPTS || error.problem === 'iptables_lock') throw error
    }
  }

  #mayMove(): boolean {
    this.#moves = this.#moves.filter((each) => this.#clock.monotonic() - each < MOVES * MOVE_INTERVAL)
    return this.#moves.length < MOVES
  }

  /** @param needed whether a machine without this family is an error */
  async #save(family: Family, needed = false): Promise<SavedRule[]> {
    const rules: SavedRule[] = []
    for (const table of ['raw', 'filter']) {
      const outcome = await this.#exec(this.commands.save[family], ['-t', table])
      if (outcome.code === 0) rules.push(...parseSave(outcome.stdout))
      else if (needed || FORBIDDEN.test(outcome.stderr)) throw describe(this.commands.save[family], outcome)
    }
    return rules
  }

  async #restore(family: Family, script: string): Promise<Outcome> {
    const begin = this.#clock.monotonic()
    const outcome = await this.#exec(this.commands.restore[family], ['--noflush', '-w', LOCK_WAIT], script)
    const took = this.#clock.monotonic() - begin
    if (took >= WAITED) {
      this.waits.count++
      this.waits.seconds += took / 1000
    }
    return outcome
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work)
    this.#last = result.catch(() => undefined)
    return result
  }
}

function describe(command: string, { code, stderr }: Outcome): NodeError {
  const text = stderr.trim().split('\n').slice(0, 3).join('; ')
  const problem = text.includes('holding the xtables lock') ? 'iptables_lock' : 'iptables'
  return new NodeError(`${command}: ${text === '' ? `exit status ${code}` : text}`, problem)
}
