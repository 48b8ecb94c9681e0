/** The policies: in which order the addresses of a section are sent. */
import { createNetworkMatch, type Network, toCanonicalAddress } from 'corelet/plugin'
import { shuffle } from '../../src/upstream/random.ts'
import { DEFAULT_WEIGHT, type Weights } from './weights.ts'

export type Section = 'answers' | 'authorities' | 'additionals'
export const SECTIONS: readonly Section[] = ['answers', 'authorities', 'additionals']

/** An address record. */
export interface Address {
  /** Owner, lower-cased. */
  owner: string
  address: string
}

/** The addresses of a section. */
export interface Addresses {
  readonly section: Section
  readonly count: number
  /** Made when it is asked for. */
  readonly list: readonly Address[]
}

/** Gives the indexes of addresses in the order to send them. */
export type Arrange = (addresses: Addresses) => readonly number[]

/**
 * Any order, but addresses in networks that come earlier in `prefer` before those in later ones, and before all others. The authority section
 * knows no preference.
 */
export function createShuffle(prefer: readonly Network[]): Arrange {
  if (prefer.length === 0) return ({ count }) => shuffle(toIndexes(count))
  const matches = prefer.map((network) => createNetworkMatch([network]))
  const rank = ({ address }: Address) => {
    const found = matches.findIndex((isIn) => isIn(address))
    return found < 0 ? matches.length : found
  }
  return ({ count, section, list }) => {
    const order = shuffle(toIndexes(count))
    if (section === 'authorities') return order
    const ranks = list.map(rank)
    return order.toSorted((a, b) => ranks[a]! - ranks[b]!)
  }
}

/** One address, each as often as its weight says, in the place of the first. @param random from 0 to below 1 */
export function createWeighted(current: () => Weights, random: () => number = Math.random): Arrange {
  return ({ list }) => {
    const weights = list.map((each) => weightOf(each, current()))
    let rest = random() * weights.reduce((sum, weight) => sum + weight, 0)
    const top = weights.findIndex((weight) => {
      rest -= weight
      return rest < 0
    })
    const order = toIndexes(list.length)
    if (top > 0) [order[0], order[top]] = [top, 0]
    return order
  }
}

function weightOf({ owner, address }: Address, weights: Weights): number {
  return weights.get(owner)?.get(toCanonicalAddress(address)) ?? DEFAULT_WEIGHT
}

function toIndexes(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
