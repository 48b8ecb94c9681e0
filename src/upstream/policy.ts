import { shuffle } from './random.ts'

export const POLICIES = ['random', 'round_robin', 'sequential'] as const

export type PolicyName = (typeof POLICIES)[number]

/** Gives the order in which servers are tried for the next query. */
export type Policy = <T>(servers: readonly T[]) => readonly T[]

/**
 * - `random`: any order;
 * - `round_robin`: each query starts one server further than the one before, the first with the second server; the others follow as configured;
 * - `sequential`: as configured.
 */
export function createPolicy(name: PolicyName): Policy {
  if (name === 'sequential') return (servers) => servers
  if (name === 'random') return shuffle
  let turn = 0
  return (servers) => {
    turn = (turn + 1) % servers.length
    const first = turn
    return [servers[first]!, ...servers.filter((_, i) => i !== first)]
  }
}
