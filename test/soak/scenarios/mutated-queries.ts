import { runMutated } from '../mutated.ts'
import type { Scenario } from '../scenario.ts'

/** Mutated queries in between those of valid clients, over every transport. */
export const scenario: Scenario = {
  name: 'mutated-queries',
  event: '1,180,000 mutated queries over all transports (309,000 in short)',
  run: (form) => {
    const [udp, times] = form === 'long' ? [500_000, 20] : [150_000, 1]
    return runMutated(
      {
        'UDP through libc': udp,
        'UDP through dgram': udp,
        TCP: 5000 * times,
        TLS: 1500 * times,
        'HTTPS with POST': 1000 * times,
        'HTTPS with GET': 750 * times,
        gRPC: 750 * times,
      },
      48,
    )
  },
}
