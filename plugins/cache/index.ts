import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { definePlugin, type PluginContext } from 'corelet/plugin'
import { Cache } from './cache.ts'
import { errors } from './errors.ts'
import { type CacheOptions, directive, parse } from './options.ts'
import { loadSnapshot, saveSnapshot } from './snapshot.ts'
import { Store } from './store.ts'

/** Keeps answers and denials for as long as their TTL allows. */
export default definePlugin({
  name: 'cache',
  summary: 'keeps answers and denials for as long as their TTL allows',
  directive,
  errors,
  parse,
  start(options, context) {
    const fingerprint = JSON.stringify([options, context.block.hashBehind()])
    const { store } = context.carry(fingerprint, () => createStore(options, context))
    const cache = new Cache(options, store, context)
    return { handler: (query, next) => cache.serve(query, next), listening: () => cache.publish() }
  },
})

/** What is carried over reloads: a store, with what its snapshot holds, that is written to the snapshot in the end. */
function createStore(options: CacheOptions, { block, clock, log }: PluginContext) {
  const store = new Store(options)
  if (options.snapshot === undefined) return { store, release() {} }
  const { snapshot, ...rest } = options
  const servers = block.listeners.map(({ server }) => server)
  const identity = JSON.stringify([block.zones, servers, block.view])
  const origin = JSON.stringify([identity, rest, block.hashBehind()])
  const name = createHash('sha256').update(identity).digest('hex').slice(0, 16)
  const path = join(resolve(block.settings.root, snapshot), `cache-${name}`)
  try {
    const count = loadSnapshot(path, store, origin, clock, options.maxBytes)
    if (count !== undefined) log.info(`${count} entries read from ${path}`)
  } catch (error) {
    log.warning(`snapshot ${path} is not used: ${error instanceof Error ? error.message : error}`)
  }
  const release = async () => {
    try {
      const count = await saveSnapshot(path, store, origin, clock)
      log.info(count === undefined ? `${path} is being written already` : `${count} entries written to ${path}`)
    } catch (error) {
      log.error(`snapshot ${path} could not be written: ${error instanceof Error ? error.message : error}`)
    }
  }
  return { store, release }
}
