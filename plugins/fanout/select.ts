/** Which upstreams a query goes to. */

/** Servers with the weight that each has in a draw. */
export interface Weighted<T> {
  server: T
  /** 1 to 100. */
  weight: number
}

/** Draws `count` different servers, those with more weight more often. */
export function draw<T>(servers: readonly Weighted<T>[], count: number, random: () => number = Math.random): T[] {
  const left = [...servers]
  const drawn: T[] = []
  while (drawn.length < count && left.length > 0) {
    let point = random() * left.reduce((sum, { weight }) => sum + weight, 0)
    let at = 0
    while (at < left.length - 1 && point >= left[at]!.weight) point -= left[at++]!.weight
    drawn.push(left.splice(at, 1)[0]!.server)
  }
  return drawn
}
