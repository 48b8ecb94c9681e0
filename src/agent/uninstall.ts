/** Frees a node from all that an agent made, whichever and however it ended. */
import type { Exec } from './exec.ts'
import { listRulesInPlace, listTrials, removeLeftovers } from './interception.ts'
import { isAgents } from './iptables-plan.ts'
import { Link } from './link.ts'
import { listTables } from './nftables.ts'
import type { AgentOptions } from './options.ts'
import { COMMENTS, formatRule } from './rules.ts'

/** Where an agent was, as its flags said. */
export type Place = Pick<AgentOptions, 'linkName' | 'linkType' | 'localIps' | 'interception'>

/** What there is of an agent. */
export interface Remains {
  /** Its addresses: those that were named, those on its link, and those that its rules are about. */
  addresses: readonly string[]
  /** A line for each thing. */
  things: readonly string[]
}

/** Kinds of links that an agent makes; others are never removed. */
const OWN_KINDS = ['dummy', 'bridge']

/**
 * Looks at everything that an agent may have made.
 * @param known addresses, beside those of the place
 * @throws (rejects) Error when something can't be looked at: nothing is known then
 */
export async function findRemains(exec: Exec, place: Place, known: readonly string[] = []): Promise<Remains> {
  const link = place.linkType === 'none' ? undefined : new Link(exec, place.linkName, place.linkType)
  const state = await link?.look()
  const isOwn = state !== undefined && place.linkType !== 'existing' && OWN_KINDS.includes(state.kind)
  const rules = place.interception === 'none' ? [] : await listRulesInPlace(exec)
  const commented = rules.filter(({ rule }) => rule.comment === COMMENTS[rule.target])
  const own = new Set([
    ...place.localIps,
    ...known,
    ...(isOwn ? state.addresses : []),
    ...commented.map(({ rule }) => rule.address),
  ])
  const things = rules
    .filter(({ rule }) => isAgents(rule, own))
    .map(({ flavour, rule }) => `iptables-${flavour}: -t ${rule.table} -A ${formatRule(rule)}`)
  if (place.interception !== 'none') {
    things.push(...(await listTrials(exec)).map(({ flavour, chain }) => `iptables-${flavour}: -t raw -N ${chain}`))
    things.push(...(await listTables(exec)).map((name) => `nftables: table inet ${name}`))
  }
  if (isOwn) things.push(`link ${place.linkName} (${state.kind}) with ${state.addresses.join(' ') || 'no address'}`)
  else if (state) {
    const here = state.addresses.filter((each) => own.has(each))
    things.push(...here.map((each) => `address ${each} on the link ${place.linkName}`))
  }
  return { addresses: [...own], things }
}

/** Removes them; what could not be removed is seen by another look. @throws (rejects) Error when others hold it up */
export async function removeRemains(exec: Exec, place: Place, { addresses }: Remains): Promise<void> {
  if (place.interception !== 'none') {
    await removeLeftovers(exec, addresses, [])
    // one that belongs to an agent which lives stays
    for (const name of await listTables(exec)) await exec('nft', ['delete', 'table', 'inet', name])
  }
  if (place.linkType === 'none') return
  const state = await new Link(exec, place.linkName, place.linkType).look()
  const type = OWN_KINDS.includes(state?.kind ?? '') ? place.linkType : 'existing'
  await new Link(exec, place.linkName, type).remove(addresses, [])
}
