import { runMutated } from '../mutated.ts'
import type { Scenario } from '../scenario.ts'

/** Mutated queries in between those of valid clients, over every transport. */
export const scenario: Scenario = {
  name: 'mutated-queries',
  event: '1,180,000 mutated queries over all transports (350,000 in short)',
  run: (form) => {
    const times = form === 'long' ? 3 : 1
    return runMutated(
      {
        'UDP through libc': form === 'long' ? 500_000 : 150_000,
        'UDP through dgram': form === 'long' ? 500_000 : 150_000,
        TCP: 30_000 * times,
        TLS: 10_000 * times,
        'HTTPS with POST': 4000 * times,
        'HTTPS with GET': 3000 * times,
        gRPC: 3000 * times,
      },
      48,
    )
  },
}
