import { definePlugin } from 'corelet/plugin'
import { Filter } from './filter.ts'
import { directive, errors, parse } from './options.ts'

/** Hides IPv6 addresses from clients that can't use them. */
export default definePlugin({
  name: 'aaaa-filter',
  summary: 'hides IPv6 addresses from clients that cannot use them',
  directive,
  repeat: 'each',
  errors,
  parse,
  start(options, context) {
    const filter = new Filter(options, context)
    return (query, next) => filter.serve(query, next)
  },
})
