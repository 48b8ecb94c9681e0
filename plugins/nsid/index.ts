import { hostname } from 'node:os'
import { definePlugin, OPTIONS, type Query, type Reply, rest, text, whenReply } from 'corelet/plugin'

/** Tells clients that ask for it which server answered (RFC 5001). */
export default definePlugin({
  name: 'nsid',
  summary: 'tells which server answered to clients that ask',
  directive: { args: [rest(text('DATA'))], options: {} },
  parse: ([use]) => ({ data: use!.values[0].join(' ') }),
  start({ data }) {
    const option = { code: OPTIONS.NSID, data: Uint8Array.from(Buffer.from(data || hostname() || 'localhost')) }
    const identify = (reply: Reply): Reply => {
      const others = reply.options.filter(({ code }) => code !== OPTIONS.NSID)
      return reply.copy({ options: [...others, option] })
    }
    return function nsid(query, next) {
      return asksForServer(query) ? whenReply(next(query), identify) : next(query)
    }
  },
})

function asksForServer({ packet, optionsStart, optionsEnd }: Query): boolean {
  for (let at = optionsStart; at < optionsEnd; ) {
    if (((packet[at]! << 8) | packet[at + 1]!) === OPTIONS.NSID) return true
    at += 4 + ((packet[at + 2]! << 8) | packet[at + 3]!)
  }
  return false
}
