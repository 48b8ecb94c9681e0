import type { Scenario } from '../scenario.ts'
import { runLosses } from '../workers.ts'

/** What a worker has in its hands is lost with it; what waits in the socket is not. */
export const scenario: Scenario = {
  name: 'killed-workers',
  event: 'kill -9 of the worker, 20 times (2 in short)',
  run: (form) => runLosses(form, { signal: 'SIGKILL', workers: 1, times: 20, allowed: 1, worst: 500 }),
}
