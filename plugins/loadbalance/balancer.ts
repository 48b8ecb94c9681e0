import { RCODES, type Reply, type ResourceRecord } from 'corelet/plugin'
import { shuffle } from '../../src/upstream/random.ts'
import type { Arrange, Section } from './arrange.ts'
import { type Kind, kindOf, makePlan, moveRecords, type Order, type Plan, sortRecords } from './plan.ts'

export interface BalancerOptions {
  /** Sections to change. */
  sections: readonly Section[]
  /** Networks are preferred: in answer and additional section addresses and MX come before the rest. */
  preferred: boolean
  /** MX records, too, are sent in any order. */
  shufflesMx: boolean
}

const USUAL: readonly Kind[] = ['alias', 'other', 'address', 'mx']
const PREFERRED: readonly Kind[] = ['alias', 'address', 'mx', 'other']

/** Makes what gives a reply its records in the order of the moment. */
export function createBalancer(arrange: Arrange, options: BalancerOptions): (reply: Reply) => Reply {
  const { sections, preferred, shufflesMx } = options
  /** By octets, which all hits of a cache entry share; forgotten with them. */
  const plans = new WeakMap<Uint8Array, Plan>()
  const order: Order = (section) => (preferred && section !== 'authorities' ? PREFERRED : USUAL)
  const rearrange = (records: readonly ResourceRecord[], section: Section): ResourceRecord[] => {
    const addresses = records.filter((record) => kindOf(record) === 'address')
    const list = addresses.map(({ name, data }) => ({ owner: name.toLowerCase(), address: data as string }))
    const arranged = arrange({ count: list.length, section, list }).map((index) => addresses[index]!)
    const exchanges = records.filter(({ type }) => type === 'MX')
    const others = records.filter((record) => !['address', 'mx'].includes(kindOf(record)))
    return sortRecords([...others, ...arranged, ...(shufflesMx ? shuffle(exchanges) : exchanges)], order(section))
  }
  return (reply) => {
    const { wire, scan } = reply
    if (!wire || !scan || reply.rcode !== RCODES.NOERROR) return reply
    if (scan.answers < 2 && scan.authorities < 2 && scan.additionals < 2) return reply
    let plan = plans.get(wire)
    if (!plan) {
      plan = makePlan(reply, { sections, order, shufflesMx })
      plans.set(wire, plan)
    }
    if (plan.decodes) {
      const own = reply.sections
      return reply.copy({ sections: Object.fromEntries(sections.map((each) => [each, rearrange(own[each], each)])) })
    }
    if (plan.blocks.length > 0) return reply.copy({ message: moveRecords(plan, arrange) })
    return plan.message.wire === wire ? reply : reply.copy({ message: plan.message })
  }
}
