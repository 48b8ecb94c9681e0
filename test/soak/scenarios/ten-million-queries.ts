import { runMutated } from '../mutated.ts'
import type { Scenario } from '../scenario.ts'

const MILLION = 1_000_000

/** As many as would find what a million does not. */
export const scenario: Scenario = {
  name: 'ten-million-queries',
  event:
    'mutated queries: 10,000,000 over UDP, half of them on each back end, 1,000,000 each over TCP and HTTPS, 100,000 each over TLS, HTTPS with GET and gRPC',
  byNameOnly: true,
  run: (form) => {
    const share = form === 'long' ? 1 : 0.001
    return runMutated(
      {
        'UDP through libc': 5 * MILLION * share,
        'UDP through dgram': 5 * MILLION * share,
        TCP: MILLION * share,
        'HTTPS with POST': MILLION * share,
        TLS: 0.1 * MILLION * share,
        'HTTPS with GET': 0.1 * MILLION * share,
        gRPC: 0.1 * MILLION * share,
      },
      48,
    )
  },
}
