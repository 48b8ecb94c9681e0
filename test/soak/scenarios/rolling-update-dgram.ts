import { runRollingUpdates } from '../rolling.ts'
import type { Scenario } from '../scenario.ts'

/** Without libc the kernel can't be told to lead new TCP connections elsewhere: one that waits to be accepted is reset. */
export const scenario: Scenario = {
  name: 'rolling-update-dgram',
  event: 'rolling update on Node’s dgram, old and new side by side, 20 times (3 in short)',
  run: (form) => runRollingUpdates(form, { env: { CORELET_NET: 'dgram' }, allowed: 1 }),
}
