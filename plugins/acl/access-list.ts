import {
  addressToOctets,
  type Counter,
  createNetworkMatch,
  type Listener,
  type Logger,
  type Next,
  OPTIONS,
  type PluginContext,
  type Query,
  RCODES,
  type Reply,
  ZoneList,
} from 'corelet/plugin'
import type { Action, Policy, Rule } from './options.ts'

/** EDE 15, Blocked, and 17, Filtered (RFC 8914 §4.16, §4.18). */
const BLOCKED: Reply['options'] = [{ code: OPTIONS.EDE, data: Uint8Array.of(0, 15) }]
const FILTERED: Reply['options'] = [{ code: OPTIONS.EDE, data: Uint8Array.of(0, 17) }]

interface CompiledRule {
  zones: ZoneList
  policies: readonly { policy: Policy; isClient: ((address: string) => boolean) | undefined }[]
}

/** The rules of a block in their order: the first that has a policy for a query decides. */
export class AccessList {
  readonly #rules: readonly CompiledRule[]
  readonly #log: Logger
  readonly #allowedOf: (listener: Listener) => Counter
  readonly #deniedOf: (action: Exclude<Action, 'allow'>, listener: Listener, zone: string) => Counter

  constructor(rules: readonly Rule[], { block, log, metrics }: PluginContext) {
    this.#log = log
    this.#rules = rules.map(({ zones, policies }) => ({
      zones: new ZoneList(zones),
      policies: policies.map((policy) => ({
        policy,
        isClient: policy.networks && createNetworkMatch(policy.networks),
      })),
    }))
    const { view } = block
    const family = (what: string, labels: string[]) =>
      metrics.counter(`coredns_acl_${what}_requests_total`, `Counter of DNS requests being ${what}.`, labels)
    const zoned = ['server', 'zone', 'view']
    const denied = {
      block: family('blocked', zoned),
      filter: family('filtered', zoned),
      drop: family('dropped', zoned),
    }
    const allowed = family('allowed', ['server', 'view'])
    const counters = new WeakMap<Listener, Counter>()
    this.#allowedOf = (listener) => {
      let counter = counters.get(listener)
      if (!counter) {
        counter = allowed.with(listener.server, view)
        counters.set(listener, counter)
      }
      return counter
    }
    this.#deniedOf = (action, { server }, zone) => denied[action].with(server, zone, view)
  }

  serve(query: Query, next: Next): Reply | Promise<Reply> {
    const { key, listener } = query
    for (const rule of this.#rules) {
      const zone = rule.zones.match(key)
      const action = zone === undefined ? undefined : this.#decide(query, rule)
      if (action === 'allow') break
      if (action !== undefined) {
        this.#deniedOf(action, listener, zone!).inc()
        return deny(query, action)
      }
    }
    this.#allowedOf(listener).inc()
    return next(query)
  }

  #decide(query: Query, { policies }: CompiledRule): Action | undefined {
    const { address } = query.client
    for (const { policy, isClient } of policies) {
      if (policy.types && !policy.types.has(query.qtype)) continue
      if (!isClient || isClient(address)) return policy.action
      if (!isAddress(address)) {
        this.#log.error(`Blocking request. Unable to parse source address: ${address}`)
        return 'block'
      }
    }
    return undefined
  }
}

/** Asked only about clients in none of the networks. */
function isAddress(address: string): boolean {
  return addressToOctets(address.replace(/%.*$/, '')) !== undefined
}

function deny(query: Query, action: Exclude<Action, 'allow'>): Reply {
  if (action === 'drop') return query.drop('acl', 'dropped')
  if (action === 'filter') return query.reply({ options: FILTERED }, 'acl', 'filtered')
  return query.reply({ rcode: RCODES.REFUSED, options: BLOCKED }, 'acl', 'blocked')
}
