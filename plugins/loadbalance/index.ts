import { resolve } from 'node:path'
import { definePlugin, type Handler, TYPES, whenReply } from 'corelet/plugin'
import { createShuffle, createWeighted, SECTIONS } from './arrange.ts'
import { createBalancer } from './balancer.ts'
import { directive, errors, parse } from './options.ts'
import { WEIGHTED_TYPES } from './plan.ts'
import { WeightFile } from './weight-file.ts'

/** Changes the order of addresses in answers, as clients mostly take the first. */
export default definePlugin({
  name: 'loadbalance',
  summary: 'changes the order of addresses in answers',
  repeat: 'merge',
  directive,
  errors,
  parse,
  async start(options, context) {
    if (options.policy === 'round_robin') {
      const sections = { sections: SECTIONS, preferred: options.prefer.length > 0, shufflesMx: true }
      const balance = createBalancer(createShuffle(options.prefer), sections)
      const handler: Handler = function loadbalance(query, next) {
        if (query.qtype === TYPES.AXFR || query.qtype === TYPES.IXFR) return next(query)
        return whenReply(next(query), balance)
      }
      return handler
    }
    const path = resolve(context.block.settings.root, options.file)
    const file = await WeightFile.open(path, options.reload, context)
    const balance = createBalancer(
      createWeighted(() => file.weights),
      { sections: ['answers', 'additionals'], preferred: false, shufflesMx: false },
    )
    return {
      handler: function loadbalance(query, next) {
        return WEIGHTED_TYPES.has(query.qtype) ? whenReply(next(query), balance) : next(query)
      },
      stop: () => file.close(),
    }
  },
})
