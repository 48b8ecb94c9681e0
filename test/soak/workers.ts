/** What can happen to workers, as rows of the table. */
import { loseWorkers, startSupervised } from '../kit/supervised.ts'
import type { Form, Row } from './scenario.ts'

interface Loss {
  signal: NodeJS.Signals
  workers: number
  /** How often in the long form. */
  times: number
  /** Queries that may be lost each time. */
  allowed: number
  /** Milliseconds that an answer may take at most; undefined where a hung worker may hold its share of them. */
  worst?: number
}

const SHORT_TIMES = 2
const LONG_RATE = 5000
const SHORT_RATE = 1000

/** Loses workers under a load of names that need nobody else. */
export async function runLosses(form: Form, { signal, workers, times, allowed, worst = Infinity }: Loss): Promise<Row> {
  const [count, rate] = form === 'long' ? [times, LONG_RATE] : [SHORT_TIMES, SHORT_RATE]
  const server = await startSupervised({ workers })
  try {
    const tally = await loseWorkers(server, { signal, times: count, rate })
    const { sent, lost } = tally
    return {
      sent,
      lost,
      measured: { times: count, 'worst answer ms': tally.worst, 'median ms': tally.median },
      goal: `${allowed === 0 ? '0' : `at most ${allowed} each time`} lost${worst < Infinity ? `, worst answer ${worst} ms` : ''}`,
      met: lost <= allowed * count && (form === 'short' || tally.worst <= worst),
    }
  } finally {
    server.cli.kill('SIGTERM')
    await server.cli.ended
  }
}
