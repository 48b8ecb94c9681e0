import { definePlugin, rest, usage, zone } from 'corelet/plugin'

const args = [rest(zone('ZONES'))] as const

/** Lets the other plugins of the block tell each other, and the log, what they know of a query. */
export default definePlugin({
  name: 'metadata',
  summary: 'collects what plugins know of a query',
  repeat: 'merge',
  directive: { args },
  parse([use, second], { zones, report }) {
    if (second) return void report(second.token, 'wrong-argument-count', 'metadata', usage('metadata', args))
    const own = use!.values[0].flat()
    return { zones: own.length > 0 ? own : zones }
  },
  configure({ zones }, settings) {
    settings.metadata = zones
  },
  start: () =>
    function metadata(query, next) {
      return next(query)
    },
})
