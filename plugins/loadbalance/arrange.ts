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

/** Gives indexes into `addresses` in the order to send them. */
export type Arrange = (addresses: readonly Address[], section: Section) => readonly number[]

/**
 * Any order, but addresses in networks that come earlier in `prefer` before those in later ones, and before all others. The authority section
 * knows no preference.
 */
export function createShuffle(prefer: readonly Network[]): Arrange {
  if (prefer.length === 0) return (addresses) => shuffle([...addresses.keys()])
  const matches = prefer.map((network) => createNetworkMatch([network]))
  const rank = ({ address }: Address) => {
    const found = matches.findIndex((isIn) => isIn(address))
    return found < 0 ? matches.length : found
  }
  return (addresses, section) => {
    const order = shuffle([...addresses.keys()])
    if (section === 'authorities') return order
    const ranks = addresses.map(rank)
    return order.toSorted((a, b) => ranks[a]! - ranks[b]!)
  }
}

/** One address, each as often as its weight says, in the place of the first. @param random from 0 to below 1 */
export function createWeighted(current: () => Weights, random: () => number = Math.random): Arrange {
  return (addresses) => {
    const weights = addresses.map((each) => weightOf(each, current()))
    let rest = random() * weights.reduce((sum, weight) => sum + weight, 0)
    const top = weights.findIndex((weight) => {
      rest -= weight
      return rest < 0
    })
    const order = [...addresses.keys()]
    if (top > 0) [order[0], order[top]] = [top, 0]
    return order
  }
}

function weightOf({ owner, address }: Address, weights: Weights): number {
  return weights.get(owner)?.get(toCanonicalAddress(address)) ?? DEFAULT_WEIGHT
}
