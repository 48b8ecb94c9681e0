import { definePlugin, type Reply, whenReply } from 'corelet/plugin'

/** Sends positive answers without authority and additional section. */
export default definePlugin({
  name: 'minimal',
  summary: 'leaves authority and additional records out of positive answers',
  repeat: 'last',
  directive: { args: [] },
  start(_options, { clock }) {
    const shorten = (reply: Reply): Reply => {
      const { scan } = reply
      if (!scan || (scan.authorities === 0 && scan.additionals === 0 && reply.options.length === 0)) return reply
      if (reply.responseType(clock.wall() / 1000) !== 'NOERROR') return reply
      return reply.copy({ sections: { authorities: [], additionals: [] }, options: [] })
    }
    return function minimal(query, next) {
      return whenReply(next(query), shorten)
    }
  },
})
