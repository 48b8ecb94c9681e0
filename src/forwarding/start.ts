import type { PluginContext } from '../plugin/index.ts'
import { createAttempts } from './attempts.ts'
import { createForwarder, type Forwarder, type ForwarderOptions } from './forwarder.ts'
import { createMetrics, type UpstreamObserver } from './metrics.ts'
import type { AttemptOptions, ConnectionOptions } from './options.ts'
import { openUpstreams } from './upstreams.ts'

/**
 * Opens the upstreams of a directive, which are asked one after the other.
 * @param plugin that answers by it
 * @throws (rejects) Error with the text to show
 */
export async function startForwarder(
  plugin: string,
  options: ConnectionOptions & AttemptOptions & ForwarderOptions,
  context: PluginContext,
  observe?: (to: string) => UpstreamObserver,
): Promise<Forwarder> {
  const metrics = createMetrics(context.metrics, plugin, observe)
  const upstreams = await openUpstreams(options, metrics, context)
  const strategy = createAttempts(options, { clock: context.clock, metrics, upstreams })
  const forwarder = createForwarder(plugin, options, { clock: context.clock, metrics, strategy })
  return {
    forward: forwarder.forward,
    close() {
      forwarder.close()
      upstreams.close()
    },
  }
}
