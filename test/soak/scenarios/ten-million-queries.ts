import { runMutated } from '../mutated.ts'
import type { Scenario } from '../scenario.ts'

const MILLION = 1_000_000

/** As many as find what a million does not. */
export const scenario: Scenario = {
  name: 'ten-million-queries',
  event:
    'mutated queries: 10,000,000 over UDP, half of them on each back end, 1,000,000 each over TCP and HTTPS, 100,000 each over TLS, HTTPS with GET and gRPC',
  byNameOnly: true,
  run: () =>
    runMutated(
      {
        'UDP through libc': 5 * MILLION,
        'UDP through dgram': 5 * MILLION,
        TCP: MILLION,
        'HTTPS with POST': MILLION,
        TLS: MILLION / 10,
        'HTTPS with GET': MILLION / 10,
        gRPC: MILLION / 10,
      },
      48,
    ),
}
