import { runRollingUpdates } from '../rolling.ts'
import type { Scenario } from '../scenario.ts'

/** A new process joins the port, the old one is told to end, again and again. */
export const scenario: Scenario = {
  name: 'rolling-update',
  event: 'rolling update, old and new side by side, 20 times (3 in short)',
  run: (form) => runRollingUpdates(form),
}
