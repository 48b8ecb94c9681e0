import { RCODES, type Reply, type ResourceRecord } from 'corelet/plugin'
import { shuffle } from '../../src/upstream/random.ts'
import type { Arrange, Section } from './arrange.ts'
import { isAddress, makePlan, moveRecords, type Plan, type Sort, toAddress } from './plan.ts'

export interface BalancerOptions {
  /** Sections to change. */
  sections: readonly Section[]
  /** Networks are preferred: in answer and additional section addresses and MX come before the rest. */
  preferred: boolean
  /** MX records, too, are sent in any order. */
  shufflesMx: boolean
}

/** Makes what gives a reply its records in the order of the moment. */
export function createBalancer(arrange: Arrange, options: BalancerOptions): (reply: Reply) => Reply {
  const { sections, preferred, shufflesMx } = options
  /** By octets, which all hits of a cache entry share; forgotten with them. */
  const plans = new WeakMap<Uint8Array, Plan>()
  const sort: Sort = (records, section) => {
    const { aliases, others, addresses, mx } = toKinds(records)
    return preferred && section !== 'authorities'
      ? [...aliases, ...addresses, ...mx, ...others]
      : [...aliases, ...others, ...addresses, ...mx]
  }
  const arranged: Sort = (records, section) => {
    const addresses = records.filter(isAddress)
    const order = arrange(addresses.map(toAddress), section).map((index) => addresses[index]!)
    const exchanges = records.filter(({ type }) => type === 'MX')
    const mx = shufflesMx ? shuffle(exchanges) : exchanges
    return sort([...records.filter((each) => !isAddress(each) && each.type !== 'MX'), ...order, ...mx], section)
  }
  return (reply) => {
    const { wire, scan } = reply
    if (!wire || !scan || reply.rcode !== RCODES.NOERROR) return reply
    if (scan.answers < 2 && scan.authorities < 2 && scan.additionals < 2) return reply
    let plan = plans.get(wire)
    if (!plan) {
      plan = makePlan(reply, { sections, sort, shufflesMx })
      plans.set(wire, plan)
    }
    if (plan.decodes) {
      const own = reply.sections
      return reply.copy({ sections: Object.fromEntries(sections.map((each) => [each, arranged(own[each], each)])) })
    }
    if (plan.blocks.length > 0) return reply.copy({ message: moveRecords(plan, arrange) })
    return plan.message.wire === wire ? reply : reply.copy({ message: plan.message })
  }
}

function toKinds(records: readonly ResourceRecord[]) {
  const aliases: ResourceRecord[] = []
  const others: ResourceRecord[] = []
  const addresses: ResourceRecord[] = []
  const mx: ResourceRecord[] = []
  for (const record of records) {
    if (record.type === 'CNAME') aliases.push(record)
    else if (isAddress(record)) addresses.push(record)
    else if (record.type === 'MX') mx.push(record)
    else others.push(record)
  }
  return { aliases, others, addresses, mx }
}
