import type { Scenario } from '../scenario.ts'
import { runLosses } from '../workers.ts'

/** A worker that is told to end answers what it has; the next one finds the rest in the socket. */
export const scenario: Scenario = {
  name: 'restarted-workers',
  event: 'SIGTERM of the worker and start of the next one, 20 times (2 in short)',
  run: (form) => runLosses(form, { signal: 'SIGTERM', workers: 1, times: 20, allowed: 0 }),
}
