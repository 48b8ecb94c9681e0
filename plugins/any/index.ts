import { definePlugin, TYPES } from 'corelet/plugin'

/** Seconds; the number of the RFC. */
const TTL = 8482

/** Answers ANY with a single made-up record instead of all there are (RFC 8482 §4.2). */
export default definePlugin({
  name: 'any',
  summary: 'answers queries for ANY with one short record',
  repeat: 'last',
  directive: { args: [] },
  start: () =>
    function any(query, next) {
      if (query.qtype !== TYPES.ANY) return next(query)
      const data = { cpu: 'ANY obsoleted', os: 'See RFC 8482' }
      return query.reply({ answers: [{ name: query.qname, type: 'HINFO', ttl: TTL, data }] }, 'any', 'ANY is obsolete')
    },
})
