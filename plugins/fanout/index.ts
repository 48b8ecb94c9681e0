import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  definePlugin,
  isBelow,
  normalizeName,
  type PluginContext,
  type Running,
  TextError,
  ZoneList,
} from 'corelet/plugin'
import { upstreamCodes } from '../../src/forwarding/codes.ts'
import { createForwarder } from '../../src/forwarding/forwarder.ts'
import { createMetrics } from '../../src/forwarding/metrics.ts'
import { openUpstreams } from '../../src/forwarding/upstreams.ts'
import { createFanoutMetrics } from './metrics.ts'
import { type FanoutOptions, grammar, LOAD_FACTOR, parse } from './options.ts'
import { createRaces } from './race.ts'
import { draw } from './select.ts'

/** Asks several upstreams at once and takes the first good answer. */
export default definePlugin({
  name: 'fanout',
  summary: 'asks several upstreams at once and takes the first good answer',
  repeat: 'each',
  directive: grammar,
  errors: { ...upstreamCodes('fanout', 'fanout .'), 'bad-load-factor': LOAD_FACTOR },
  parse,
  configure(_options, settings) {
    settings.anyClass = true
  },
  start,
})

async function start(options: FanoutOptions, context: PluginContext): Promise<Running> {
  const names = await readNames(options.exceptFile, context.block.settings.root)
  const except = new ZoneList([...options.except, ...names])
  const metrics = createMetrics(context.metrics, 'fanout', createFanoutMetrics(context.metrics))
  const upstreams = await openUpstreams(options, metrics, context)
  const { list } = upstreams
  const weighted = list.map((server, i) => ({ server, weight: options.weights[i] ?? 100 }))
  const { drawn } = options
  const select = drawn === undefined ? () => list : () => draw(weighted, drawn || list.length)
  const strategy = createRaces(
    options,
    { clock: context.clock, upstreams, healthcheckBroken: metrics.healthcheckBroken },
    select,
  )
  const forwarder = createForwarder('fanout', options, { clock: context.clock, metrics, strategy })
  const { from } = options
  return {
    handler: function fanout(query, next) {
      const { key } = query
      if (!isBelow(key, from) || (key !== from && except.has(key))) return next(query)
      return forwarder.forward(query, next)
    },
    stop() {
      forwarder.close()
      upstreams.close()
    },
  }
}

/** The names of a file, one on a line. @throws (rejects) Error when it can't be read, or a line is no name */
async function readNames(file: string | undefined, root: string): Promise<string[]> {
  if (file === undefined) return []
  const lines = (await readFile(resolve(root, file), 'utf8')).split('\n').map((line) => line.trim())
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      try {
        return normalizeName(line)
      } catch (error) {
        throw error instanceof TextError ? new Error(`${file}: no domain name: ${line}`) : error
      }
    })
}
