import type { Scenario } from '../scenario.ts'
import { runLosses } from '../workers.ts'

/** A worker that stands still is replaced; the other one reads the same socket meanwhile. */
export const scenario: Scenario = {
  name: 'hung-workers',
  event: 'one of two workers stopped by SIGSTOP, 5 times (2 in short)',
  run: (form) => runLosses(form, { signal: 'SIGSTOP', workers: 2, times: 5, allowed: 0 }),
}
