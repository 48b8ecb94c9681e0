/** A flood of names beside valid clients, and what it does to memory and to the names that were cached. */
import { residentMemory } from '../kit/proc.ts'
import { Traffic } from '../kit/traffic.ts'
import { startRig, toQuery } from './rig.ts'
import type { Row } from './scenario.ts'

interface Flood {
  /** Distinct names in all, and per second. */
  names: number
  rate: number
  toName(i: number): string
  /** MiB that memory may grow from the first tenth to the end. */
  memory: number
}

/** Valid queries per second beside the flood, all for names that are cached. */
const VALID = 1000

/** Floods, then takes the upstream away: what valid clients ask for must still be in the cache. */
export async function runFlood({ names, rate, toName, memory }: Flood): Promise<Row> {
  const rig = await startRig()
  try {
    const { pid, port } = rig.server
    const clients = await rig.clients(VALID)
    const flood = await Traffic.start({ port, rate, sockets: 16, packet: (i) => toQuery(toName(i)) })
    await flood.until(names / 10)
    const early = residentMemory(pid)
    await flood.until(names)
    const end = residentMemory(pid)
    const flooded = await flood.stop()
    const tally = await clients.stop()
    await rig.upstream.stop()
    const after = await rig.clients(VALID)
    await after.until(VALID)
    const kept = await after.stop()
    const missing = kept.sent - (kept.rcodes[0] ?? 0)
    return {
      sent: tally.sent,
      lost: tally.lost,
      measured: {
        'flood answered %': ((100 * flooded.answered) / flooded.sent).toFixed(2),
        'memory MiB': Math.round(end),
        'grown MiB': Math.round(end - early),
        'cached names lost %': ((100 * missing) / kept.sent).toFixed(2),
        'p99 ms': tally.p99,
        'worst answer ms': tally.worst,
      },
      goal: `0 lost, memory < +${memory} MiB over the last nine tenths, 99 % of the names of valid clients still cached`,
      met: tally.lost === 0 && end - early < memory && missing <= kept.sent / 100,
    }
  } finally {
    await rig.stop()
  }
}
