/** From the rules that are there to the rules that should be: what iptables-restore is told. */
import type { SavedRule } from './iptables-save.ts'
import type { RulePosition } from './options.ts'
import { COMMENTS, formatRule, isSameRule, type Rule } from './rules.ts'

export interface Plan {
  /** Text for `iptables-restore --noflush`; empty when all is as it should be. */
  script: string
  /** Rules that were not there. */
  missing: number
  /** Rules that were there, but behind others. */
  misplaced: number
  /** Rules too many: doubles, and what predecessors left. */
  surplus: number
}

export interface PlanInput {
  saved: readonly SavedRule[]
  wanted: readonly Rule[]
  /** Addresses of others that are alive: their rules stay, and need not be there. */
  others: ReadonlySet<string>
  /** Addresses of our own, whose uncommented rules are a predecessor's, too. */
  own: ReadonlySet<string>
  position: RulePosition
  /** Rules that are behind those of others may be moved. */
  moves: boolean
}

/**
 * Whether an agent made a rule, this one or a predecessor: its comment says so, or it has none and is about one of our addresses. node-cache
 * wrote no comments before 1.22.19.
 */
export function isAgents(rule: Rule, own: ReadonlySet<string>): boolean {
  return rule.comment === COMMENTS[rule.target] || (rule.comment === '' && own.has(rule.address))
}

/** Compares what is there with what should be. */
export function planRules({ saved, wanted, others, own, position, moves }: PlanInput): Plan {
  const isOurs = ({ shape }: SavedRule) => shape !== undefined && isAgents(shape, own)
  const kept = new Set<SavedRule>()
  const found = wanted.map((rule) => {
    const present = saved.find((each) => each.shape && !kept.has(each) && isSameRule(each.shape, rule))
    if (present) kept.add(present)
    return present
  })
  const isOthers = ({ shape }: SavedRule) => shape !== undefined && others.has(shape.address) && !own.has(shape.address)
  const surplus = saved.filter((each) => isOurs(each) && !kept.has(each) && !isOthers(each))
  const misplaced = position === 'append' || !moves ? new Set<SavedRule>() : findMisplaced(saved, kept, isOurs)

  const lines: Record<Rule['table'], string[]> = { raw: [], filter: [] }
  for (const each of [...surplus, ...misplaced]) lines[each.table as Rule['table']].push(`-D ${each.text}`)
  const flag = position === 'insert' ? '-I' : '-A'
  let missing = 0
  wanted.forEach((rule, at) => {
    const present = found[at]
    if (!present) missing++
    if (!present || misplaced.has(present)) lines[rule.table].push(`${flag} ${formatRule(rule)}`)
  })
  const script = (['raw', 'filter'] as const)
    .filter((table) => lines[table].length > 0)
    .map((table) => `*${table}\n${lines[table].join('\n')}\nCOMMIT\n`)
    .join('')
  return { script, missing, misplaced: misplaced.size, surplus: surplus.length }
}

/** Rules of ours that stand behind a stranger's, who might have the packet first. */
function findMisplaced(
  saved: readonly SavedRule[],
  kept: ReadonlySet<SavedRule>,
  isOurs: (rule: SavedRule) => boolean,
): Set<SavedRule> {
  const strangers = new Set<string>()
  const misplaced = new Set<SavedRule>()
  for (const each of saved) {
    const chain = `${each.table} ${each.chain}`
    if (kept.has(each)) {
      if (strangers.has(chain)) misplaced.add(each)
    } else if (!isOurs(each)) {
      strangers.add(chain)
    }
  }
  return misplaced
}
