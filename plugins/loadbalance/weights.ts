/** The weight file: a name, then an address and its weight a line. */
import { addressToOctets, toCanonicalAddress } from 'corelet/plugin'

/** Weights by lower-cased owner and canonical address. */
export type Weights = ReadonlyMap<string, ReadonlyMap<string, number>>

/** Weight of addresses that the file does not name. */
export const DEFAULT_WEIGHT = 1
const MAX_WEIGHT = 255

/** Reads a weight file. @param file its name, for messages @throws Error that says what is wrong */
export function parseWeights(text: string, file: string): Weights {
  const names = new Map<string, Map<string, number>>()
  let group: Map<string, number> | undefined
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '' || line.startsWith('#')) continue
    const [first = '', weight, extra] = line.split(/\s+/)
    const where = `in weight file ${file}`
    if (extra !== undefined) throw new Error(`could not parse weight line:"${line}" ${where}`)
    if (weight === undefined) {
      if (addressToOctets(first)) {
        throw new Error(`wrong domain name:"${first}" ${where}. (Maybe a missing weight value?)`)
      }
      const name = (first.endsWith('.') ? first : `${first}.`).toLowerCase()
      group = names.get(name) ?? new Map()
      names.set(name, group)
      continue
    }
    if (!addressToOctets(first)) throw new Error(`wrong IP address:"${first}" ${where}`)
    const number = /^\d+$/.test(weight) ? Number(weight) : 0
    if (number < 1 || number > MAX_WEIGHT) throw new Error(`wrong weight value:"${weight}" ${where}`)
    if (!group) throw new Error(`missing domain name ${where}`)
    const address = toCanonicalAddress(first)
    if (!group.has(address)) group.set(address, number)
  }
  return names
}
