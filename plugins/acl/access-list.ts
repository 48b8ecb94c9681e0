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
import { ZoneCounter } from '../../src/observe/zone-counter.ts'
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
  readonly #denied: Record<Exclude<Action, 'allow'>, ZoneCounter>

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
    const counter = (name: string, what: string) =>
      new ZoneCounter(metrics, name, `Counter of DNS requests being ${what}.`, view)
    this.#denied = {
      block: counter('coredns_acl_blocked_requests_total', 'blocked'),
      filter: counter('coredns_acl_filtered_requests_total', 'filtered'),
      drop: counter('coredns_acl_dropped_requests_total', 'dropped'),
    }
    const allowed = metrics.counter('coredns_acl_allowed_requests_total', 'Counter of DNS requests being allowed.', [
      'server',
      'view',
    ])
    const children = new WeakMap<Listener, Counter>()
    this.#allowedOf = (listener) => {
      let child = children.get(listener)
      if (!child) {
        child = allowed.with(listener.server, view)
        children.set(listener, child)
      }
      return child
    }
  }

  serve(query: Query, next: Next): Reply | Promise<Reply> {
    const { key, listener } = query
    for (const rule of this.#rules) {
      const zone = rule.zones.match(key)
      const action = zone === undefined ? undefined : this.#decide(query, rule)
      if (action === 'allow') break
      if (action !== undefined) {
        this.#denied[action].inc(listener, zone!)
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
