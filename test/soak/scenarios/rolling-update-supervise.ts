import { runRollingUpdates } from '../rolling.ts'
import type { Scenario } from '../scenario.ts'

/** Each side is a supervisor with its worker. */
export const scenario: Scenario = {
  name: 'rolling-update-supervise',
  event: 'rolling update of supervised servers, old and new side by side, 20 times (3 in short)',
  run: (form) => runRollingUpdates(form, { args: ['-supervise'] }),
}
