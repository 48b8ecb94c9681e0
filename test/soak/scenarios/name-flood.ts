import { runFlood } from '../flood.ts'
import type { Scenario } from '../scenario.ts'

/** Random names below a zone that has an address for each. */
export const scenario: Scenario = {
  name: 'name-flood',
  event: '1,000,000 distinct names (10,000 in short)',
  run: (form) =>
    runFlood({
      names: form === 'long' ? 1_000_000 : 10_000,
      rate: form === 'long' ? 10_000 : 5000,
      toName: (i) => `${(i * 2654435761) >>> 0}.flood.names.test.`,
      memory: 150,
    }),
}
