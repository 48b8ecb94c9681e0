import { readFile } from 'node:fs/promises'
import type { Exec, Start } from './exec.ts'
import { Iptables, type LockWaits } from './iptables.ts'
import { type Flavour, findIptables } from './iptables-flavour.ts'
import { findNftables, OwnedTable } from './nftables.ts'
import type { AgentOptions, Interception as Kind } from './options.ts'
import { listRules, type Rule, type RuleOptions } from './rules.ts'

/** Addresses by what is to be done for them. */
export interface Addresses {
  /** That we serve. */
  own: readonly string[]
  /** Those of them that new queries are led to. Without rules for that, only the agent's own queries and what has begun come through. */
  led: readonly string[]
  /** That other living agents use. */
  others: readonly string[]
}

/** When the kernel gives packets back to kube-proxy after the agent was killed: at once, when the addresses have gone, or never. */
export type Return = 'at once' | 'soon' | 'never'
export interface CrashProof {
  pods: Return
  /** Processes of the node. */
  host: Return
}

/** Leads packets for the cache's addresses to it, past connection tracking and kube-proxy. */
export interface Interception {
  /** `nftables`, `iptables-nft`, `iptables-legacy` or `none`. */
  readonly kind: Exclude<Kind, 'auto' | 'iptables'>
  readonly crashProof: CrashProof
  /** Rules of ours stay when the agent is killed, and do nothing without the address: it is to go soon then. */
  readonly wantsLease: boolean
  readonly waits: Readonly<LockWaits>
  /**
   * Makes the rules for our addresses be there, and none of a predecessor.
   * @returns number of rules that had to be mended
   * @throws (rejects) NodeError, Error
   */
  ensure(addresses: Addresses): Promise<number>
  /** Removes the rules for our addresses, but those that others use. @throws (rejects) */
  remove(addresses: Omit<Addresses, 'led'>): Promise<void>
}

type Options = Pick<
  AgentOptions,
  'interception' | 'rulePosition' | 'hostTraffic' | 'dnsPort' | 'healthPort' | 'linkType' | 'skipTeardown'
>

/**
 * The interception that was asked for. `auto` is an owned table of nftables where the kernel has such tables: it is the only one that
 * disappears with the agent whole, for processes of the node, too. Else it is iptables, in the flavour of the kubelet.
 * @throws (rejects) Error when the machine lacks what was asked for
 */
export async function createInterception(exec: Exec, start: Start, options: Options): Promise<Interception> {
  const { interception, rulePosition } = options
  if (interception === 'none') return NONE
  const flavour = { 'iptables-nft': 'nft', 'iptables-legacy': 'legacy' } as const
  const wanted: Flavour | undefined =
    interception in flavour ? flavour[interception as keyof typeof flavour] : undefined
  const commands = await findIptables(exec, wanted)
  const iptables = commands && new Iptables(exec, commands, rulePosition)
  if (interception === 'auto' || interception === 'nftables') {
    const { owner, socketMatch } = await findNftables(exec)
    if (owner) return new TableInterception(start, iptables, { ...options, socketMatch, typeMatch: true })
    if (interception === 'nftables')
      throw new Error('nftables: there is no nft, or the kernel knows no tables with owners')
  }
  if (!iptables)
    throw new Error(`${interception === 'auto' ? 'iptables and nft' : interception}: there is no such command`)
  const socketMatch = await iptables.knowsMatch('socket')
  const typeMatch = await iptables.knowsMatch('addrtype --dst-type LOCAL')
  const lease = typeMatch && options.linkType !== 'none' && !options.skipTeardown
  return new IptablesInterception(iptables, { ...options, socketMatch, typeMatch }, lease)
}

/**
 * Removes what predecessors left in the tables of either iptables.
 * @param legacyTables names of the legacy tables that there are: asking for others would create them
 */
export async function removeLeftovers(
  exec: Exec,
  own: readonly string[],
  others: readonly string[],
  legacyTables = readLegacyTables,
): Promise<void> {
  const left = withoutOthers({ own, others })
  for (const iptables of await findAll(exec, legacyTables)) {
    await iptables.ensure([], left, others)
    await iptables.removeTrial()
  }
}

/** The rules in the tables of either iptables that have the shape of ours. @throws (rejects) NodeError */
export async function listRulesInPlace(
  exec: Exec,
  legacyTables = readLegacyTables,
): Promise<{ flavour: Flavour; rule: Rule }[]> {
  const found: { flavour: Flavour; rule: Rule }[] = []
  for (const iptables of await findAll(exec, legacyTables)) {
    const { flavour } = iptables.commands
    found.push(...(await iptables.list()).map((rule) => ({ flavour, rule })))
  }
  return found
}

/** Chains that agents left which were killed while they tried what the kernel knows. */
export async function listTrials(
  exec: Exec,
  legacyTables = readLegacyTables,
): Promise<{ flavour: Flavour; chain: string }[]> {
  const found: { flavour: Flavour; chain: string }[] = []
  for (const iptables of await findAll(exec, legacyTables)) {
    const chain = await iptables.findTrial()
    if (chain !== undefined) found.push({ flavour: iptables.commands.flavour, chain })
  }
  return found
}

async function findAll(exec: Exec, legacyTables: () => Promise<string>): Promise<Iptables[]> {
  const found: Iptables[] = []
  for (const flavour of ['nft', 'legacy'] as const) {
    if (flavour === 'legacy' && !/^(raw|filter)$/m.test(await legacyTables())) continue
    const commands = await findIptables(exec, flavour)
    if (commands) found.push(new Iptables(exec, commands, 'insert'))
  }
  return found
}

/** Our addresses that nobody else uses. */
function withoutOthers({ own, others }: Omit<Addresses, 'led'>): string[] {
  return own.filter((each) => !others.includes(each))
}

async function readLegacyTables(): Promise<string> {
  const read = (file: string) => readFile(`/proc/self/net/${file}`, 'latin1').catch(() => '')
  return (await read('ip_tables_names')) + (await read('ip6_tables_names'))
}

const NONE: Interception = {
  kind: 'none',
  crashProof: { pods: 'at once', host: 'at once' },
  wantsLease: false,
  waits: { count: 0, seconds: 0 },
  ensure: async () => 0,
  remove: async () => {},
}

/**
 * node-cache's rules, but that those which lead queries here ask for what goes with the agent, as far as the kernel can look for it: the
 * socket, for packets of pods, and the address.
 */
class IptablesInterception implements Interception {
  readonly kind: Interception['kind']
  readonly crashProof: CrashProof
  readonly wantsLease: boolean
  readonly waits: LockWaits
  readonly #iptables: Iptables
  readonly #options: RuleOptions

  /** @param lease addresses can be had that go when they are not renewed */
  constructor(iptables: Iptables, options: RuleOptions, lease: boolean) {
    this.#iptables = iptables
    this.#options = options
    this.kind = `iptables-${iptables.commands.flavour}`
    const slow = lease ? 'soon' : 'never'
    this.crashProof = { pods: options.socketMatch ? 'at once' : slow, host: options.hostTraffic ? slow : 'at once' }
    this.wantsLease = lease && (options.hostTraffic || !options.socketMatch)
    this.waits = iptables.waits
  }

  async ensure({ own, led, others }: Addresses): Promise<number> {
    const wanted = own.flatMap((each) => listRules(each, this.#options, led.includes(each)))
    const { missing, misplaced, surplus } = await this.#iptables.ensure(wanted, own, others)
    return missing + misplaced + surplus
  }

  async remove(addresses: Omit<Addresses, 'led'>): Promise<void> {
    await this.#iptables.ensure([], withoutOthers(addresses), addresses.others)
  }
}

/**
 * The switch is in a table that lives as long as we do. What iptables may refuse by a policy of its own has to be accepted there, as node-cache
 * does; such a rule harms nobody when it is left behind.
 */
class TableInterception implements Interception {
  readonly kind = 'nftables'
  readonly crashProof = NONE.crashProof
  readonly wantsLease = false
  readonly waits: LockWaits
  readonly #table: OwnedTable
  readonly #iptables: Iptables | undefined
  readonly #options: RuleOptions

  constructor(start: Start, iptables: Iptables | undefined, options: RuleOptions) {
    this.#iptables = iptables
    this.#options = options
    this.#table = new OwnedTable(start, options)
    this.waits = iptables?.waits ?? NONE.waits
  }

  async ensure({ own, led, others }: Addresses): Promise<number> {
    const rules = own.flatMap((each) => listRules(each, this.#options, false))
    const accepted = rules.filter(({ table }) => table === 'filter')
    const repairs = await this.#iptables?.ensure(accepted, own, others)
    const made = await this.#table.ensure(own, led)
    return (made ? 1 : 0) + (repairs ? repairs.missing + repairs.misplaced + repairs.surplus : 0)
  }

  async remove(addresses: Omit<Addresses, 'led'>): Promise<void> {
    await this.#table.remove()
    await this.#iptables?.ensure([], withoutOthers(addresses), addresses.others)
  }
}
