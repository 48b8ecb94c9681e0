import { definePlugin, keyOf, TYPES } from 'corelet/plugin'
import { LoopProbe, probeName } from './probe.ts'

/** Ends the process when a query that it sends to itself at the start comes back again and again. */
export default definePlugin({
  name: 'loop',
  summary: 'detects forwarding loops at the start and ends the process',
  directive: { args: [] },
  start(_, context) {
    const zone = context.block.zones[0] ?? '.'
    const name = probeName(zone)
    const key = keyOf(name)
    const probe = new LoopProbe(name, context.clock, (from) =>
      context.instance.fatal(
        `plugin/loop: Loop (${from} -> ${probe.target}) detected for zone "${zone}", ` +
          `see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO ${name}"`,
      ),
    )
    const target = context.block.listeners.find(({ transport }) => transport === 'dns')
    return {
      handler: function loop(query, next) {
        if (probe.active && query.qtype === TYPES.HINFO && query.key === key) probe.came(query.client)
        return next(query)
      },
      listening() {
        if (target) probe.start(target)
      },
      stop: () => probe.stop(),
    }
  },
})
