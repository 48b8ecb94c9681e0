import { runRollingUpdates } from '../rolling.ts'
import type { Scenario } from '../scenario.ts'

/** New connections shake hands with whoever is there. */
export const scenario: Scenario = {
  name: 'rolling-update-tls',
  event: 'rolling update with clients of DNS over TLS, old and new side by side, 20 times (3 in short)',
  run: (form) => runRollingUpdates(form, { proto: 'tls' }),
}
