import { toCanonicalAddress } from '../dns/address.ts'
import type { Exec, Outcome } from './exec.ts'
import { NodeError } from './node-error.ts'
import type { LinkType } from './options.ts'
import { familyOf } from './rules.ts'

/** What a link is at the moment. */
export interface LinkState {
  /** Its kind as iproute2 calls it, such as `dummy`; empty for a device. */
  kind: string
  up: boolean
  /** Those with host masks. */
  addresses: readonly string[]
}

/**
 * Seconds for which the kernel keeps a leased address that is not renewed: an agent that was killed is to be missed no longer, one that waits
 * for the processor is not to lose it.
 */
const LEASE = 2

/** The link that carries the addresses which pods ask: one of our own, or an existing one on which only they are ours. */
export class Link {
  readonly name: string
  readonly #exec: Exec
  readonly #type: Exclude<LinkType, 'none'>
  readonly #lease: string

  /** @param leased the kernel takes the addresses away when they are not renewed */
  constructor(exec: Exec, name: string, type: Exclude<LinkType, 'none'>, leased = false) {
    this.#exec = exec
    this.name = name
    this.#type = type
    this.#lease = leased ? ` valid_lft ${LEASE} preferred_lft ${LEASE}` : ''
  }

  get isOwn(): boolean {
    return this.#type !== 'existing'
  }

  /**
   * Makes the link be there and up, with `addresses` on it. On a link of our own no others stay, but those of `others`.
   * @returns number of things that had to be mended
   * @throws (rejects) NodeError
   */
  async ensure(addresses: readonly string[], others: readonly string[]): Promise<number> {
    let repairs = 0
    let state = await this.look()
    if (!state) {
      if (!this.isOwn) throw new NodeError(`there is no link ${this.name}`, 'interface_check')
      await this.#create()
      repairs++
      state = { kind: '', up: false, addresses: [] }
    }
    const kept = new Set([...addresses, ...others].map(toCanonicalAddress))
    const commands = [
      ...(this.isOwn && !state.up ? [`link set dev ${this.name} up`] : []),
      ...addresses.filter((each) => !state.addresses.includes(toCanonicalAddress(each))).map((each) => this.#put(each)),
      ...(this.isOwn ? state.addresses : [])
        .filter((each) => !kept.has(each))
        .map((each) => `addr del ${withPrefix(each)} dev ${this.name}`),
    ]
    if (commands.length === 0) return repairs
    const outcome = await this.#exec('ip', ['-force', '-batch', '-'], `${commands.join('\n')}\n`)
    if (outcome.code !== 0) throw new NodeError(describe(outcome), 'interface_add')
    return repairs + commands.length
  }

  /** Keeps leased addresses for another while. */
  async renew(addresses: readonly string[]): Promise<void> {
    if (this.#lease === '') return
    await this.#exec('ip', ['-force', '-batch', '-'], addresses.map((each) => `${this.#put(each)}\n`).join(''))
  }

  #put(address: string): string {
    const nodad = familyOf(address) === 'ipv6' ? ' nodad' : ''
    return `addr replace ${withPrefix(address)} dev ${this.name}${nodad}${this.#lease}`
  }

  /** Takes the link away when it is ours and nobody needs it, else the addresses that nobody needs. @throws (rejects) NodeError */
  async remove(addresses: readonly string[], others: readonly string[]): Promise<void> {
    const state = await this.look()
    if (!state) return
    if (this.isOwn && others.length === 0) {
      const outcome = await this.#exec('ip', ['link', 'del', 'dev', this.name])
      if (outcome.code !== 0 && (await this.look())) throw new NodeError(describe(outcome), 'interface_check')
      return
    }
    const needed = new Set(others.map(toCanonicalAddress))
    const mine = addresses.map(toCanonicalAddress).filter((each) => state.addresses.includes(each) && !needed.has(each))
    const commands = mine.map((each) => `addr del ${withPrefix(each)} dev ${this.name}\n`)
    if (commands.length === 0) return
    const outcome = await this.#exec('ip', ['-force', '-batch', '-'], commands.join(''))
    if (outcome.code !== 0) throw new NodeError(describe(outcome), 'interface_check')
  }

  /** What there is of the link; undefined when it is not there. @throws (rejects) NodeError */
  async look(): Promise<LinkState | undefined> {
    const outcome = await this.#exec('ip', ['-json', '-details', 'address', 'show', 'dev', this.name])
    if (outcome.code !== 0) {
      if (outcome.stderr.includes('does not exist')) return undefined
      throw new NodeError(describe(outcome), 'interface_check')
    }
    const [link] = JSON.parse(outcome.stdout) as {
      flags: string[]
      linkinfo?: { info_kind?: string }
      addr_info: { local: string; prefixlen: number }[]
    }[]
    const hosts = (link?.addr_info ?? []).filter(({ local, prefixlen }) => prefixlen === hostPrefix(local))
    return {
      kind: link?.linkinfo?.info_kind ?? '',
      up: link?.flags.includes('UP') ?? false,
      addresses: hosts.map(({ local }) => toCanonicalAddress(local)),
    }
  }

  /** A dummy link drops what is sent through it, and so does a bridge without ports: it serves where the kernel has no dummy driver. */
  async #create(): Promise<void> {
    const kinds = this.#type === 'auto' ? ['dummy', 'bridge'] : [this.#type]
    let outcome: Outcome | undefined
    for (const kind of kinds) {
      outcome = await this.#exec('ip', ['link', 'add', 'name', this.name, 'type', kind])
      if (outcome.code === 0 || outcome.stderr.includes('File exists')) return
      if (!/Unknown device type|not supported/.test(outcome.stderr)) break
    }
    throw new NodeError(describe(outcome!), 'interface_add')
  }
}

function hostPrefix(address: string): number {
  return familyOf(address) === 'ipv6' ? 128 : 32
}

function withPrefix(address: string): string {
  return `${address}/${hostPrefix(address)}`
}

function describe({ code, stderr }: Outcome): string {
  return `ip: ${stderr.trim().split('\n', 1)[0] || `exit status ${code}`}`
}
