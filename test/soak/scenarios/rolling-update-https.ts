import { runRollingUpdates } from '../rolling.ts'
import type { Scenario } from '../scenario.ts'

/** Sessions of HTTP/2 are new, too. */
export const scenario: Scenario = {
  name: 'rolling-update-https',
  event: 'rolling update with clients of DNS over HTTPS, old and new side by side, 20 times (3 in short)',
  run: (form) => runRollingUpdates(form, { proto: 'https' }),
}
