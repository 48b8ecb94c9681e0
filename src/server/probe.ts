import { CLASSES, OPCODES, TYPES } from '../dns/constants.ts'
import { fromText } from '../dns/name.ts'
import type { Next } from '../plugin/chain.ts'
import type { Clock } from '../plugin/clock.ts'
import type { Listener } from '../plugin/listener.ts'
import { Query } from '../plugin/query.ts'
import { MAX_MESSAGE } from './finish.ts'
import { RouteTable } from './route.ts'
import { QueryServer } from './serve.ts'
import { DEFAULT_SETTINGS } from './settings.ts'

/** Milliseconds after which a chain that still waits counts as sound. */
const PATIENCE = 1000

/**
 * Lets a chain answer a question that nobody sent: a NOTIFY for its zone, which is neither cached nor forwarded, through gate, chain and last
 * step, in memory. Any answer is good, silence too.
 * @returns what was thrown, undefined for a sound chain
 */
export function probeChain(chain: Next, zone: string, listener: Listener, clock: Clock): Promise<unknown> {
  return new Promise((resolve) => {
    let failure: unknown
    const timer = clock.timeout(PATIENCE, () => resolve(undefined))
    const hooks = {
      dropped() {},
      overloaded() {},
      now: () => clock.monotonic(),
      panic(_query: Query, error: unknown) {
        failure = error ?? new Error('nothing was thrown')
      },
    }
    const server = new QueryServer(new RouteTable([{ zone, view: '', chain }]), DEFAULT_SETTINGS, hooks)
    const end = { address: '127.0.0.1', port: 0 }
    const query = new Query(listener, end, end, 'tcp', clock.monotonic())
    const send = () => {
      timer.cancel()
      resolve(failure)
    }
    server.serve(toNotify(zone), query, { out: new Uint8Array(MAX_MESSAGE), offset: 0, send, keep() {} })
  })
}

function toNotify(zone: string): Uint8Array {
  const header = [0, 0, OPCODES.NOTIFY << 3, 0, 0, 1, 0, 0, 0, 0, 0, 0]
  return Uint8Array.of(...header, ...fromText(zone), 0, TYPES.SOA, 0, CLASSES.IN)
}
