import { runFlood } from '../flood.ts'
import type { Scenario } from '../scenario.ts'

/** Names that do not exist: they must not drive those that do out of the cache. */
export const scenario: Scenario = {
  name: 'nxdomain-flood',
  event: '100,000 distinct names that do not exist (10,000 in short)',
  run: (form) =>
    runFlood({
      names: form === 'long' ? 100_000 : 10_000,
      rate: 5000,
      toName: (i) => `${(i * 2654435761) >>> 0}.nowhere.`,
      memory: 100,
    }),
}
