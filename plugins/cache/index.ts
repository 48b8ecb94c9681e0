import { definePlugin } from 'corelet/plugin'
import { Cache } from './cache.ts'
import { errors } from './errors.ts'
import { directive, parse } from './options.ts'
import { Store } from './store.ts'

/** Keeps answers and denials for as long as their TTL allows. */
export default definePlugin({
  name: 'cache',
  summary: 'keeps answers and denials for as long as their TTL allows',
  directive,
  errors,
  parse,
  start(options, context) {
    const { store } = context.carry(JSON.stringify(options), () => ({ store: new Store(options), release() {} }))
    const cache = new Cache(options, store, context)
    return { handler: (query, next) => cache.serve(query, next), listening: () => cache.publish() }
  },
})
