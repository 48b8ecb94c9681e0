import { resolve } from 'node:path'
import { askAndNote, definePlugin, integer, one, option, type Query, type Reply, text } from 'corelet/plugin'
import { LineSink } from './line-sink.ts'

/** Tells a program of every query: a line of JSON each, over a Unix socket. */
export default definePlugin({
  name: 'query-log',
  summary: 'tells a program of every query, over a Unix socket',
  directive: {
    args: [one(text('SOCKET'))],
    options: {
      queue: option('lines that may wait for the program', [one(integer('N', { min: 1, max: 1_000_000 }))]),
    },
  },
  // it only looks: what the server asks itself before a reload passes it by
  observes: true,
  parse([use]) {
    return { path: use!.values[0], queue: use!.options.queue.at(-1)?.values[0] ?? 10_000 }
  },
  start({ path, queue }, { clock, log, metrics, block }) {
    const dropped = metrics.counter('corelet_query_log_dropped_total', 'Lines that found no room in the queue.').with()
    const waiting = metrics.gauge('corelet_query_log_queue', 'Lines that wait for the program.').with()
    const sink = new LineSink(resolve(block.settings.root, path), queue, {
      clock,
      dropped: () => dropped.inc(),
      waiting: (count) => waiting.set(count),
      problem: (message) => log.warning(message),
    })
    const note = (query: Query, reply: Reply) => sink.write(describe(query, reply, clock.wall(), clock.monotonic()))
    return {
      handler: (query, next) => askAndNote(query, next, note),
      stop: () => sink.close(),
    }
  },
})

function describe(query: Query, reply: Reply, wall: number, now: number): string {
  return JSON.stringify({
    time: new Date(wall).toISOString(),
    client: query.client.address,
    proto: query.proto,
    name: query.name,
    type: query.type,
    rcode: reply.kind === 'drop' ? 'dropped' : reply.rcodeName,
    plugin: reply.plugin,
    reason: reply.reason,
    milliseconds: Math.round((now - query.received) * 1000) / 1000,
  })
}
