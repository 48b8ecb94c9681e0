/** Random changes of messages that can be repeated: the same seed makes the same ones. */

/** Numbers from 0 to below `bound`. */
export type Random = (bound: number) => number

/** A generator of pseudo-random numbers (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed | 0
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

/** Values that find the edges of lengths, labels and pointers. */
const EDGES = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xc1, 0xff]

/** A copy of `octets` with one to four changes behind the offset `from`: other values, cuts, insertions, repetitions. */
export function mutate(octets: Uint8Array, random: Random, from = 0): Buffer {
  let result = Buffer.from(octets)
  for (let changes = 1 + random(4); changes > 0; changes--) {
    const at = Math.min(result.length - 1, from + random(Math.max(1, result.length - from)))
    if (result.length === 0) break
    switch (random(6)) {
      case 0:
        result.fill(random(256), at, at + 1)
        break
      case 1:
      case 2:
        result.fill(EDGES[random(EDGES.length)]!, at, at + 1)
        break
      case 3:
        result = result.subarray(0, at)
        break
      case 4:
        result = Buffer.concat([
          result.subarray(0, at),
          Buffer.of(0xc0, random(result.length + 1)),
          result.subarray(at),
        ])
        break
      default:
        result = Buffer.concat([result.subarray(0, at), result.subarray(from, at), result.subarray(at)]).subarray(
          0,
          4000,
        )
    }
  }
  return result
}
