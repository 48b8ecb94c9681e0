import type { SharedSockets } from '../net/shared-sockets.ts'
import { openHttpServer } from '../observe/http-server.ts'
import type { Metrics } from '../plugin/index.ts'
import type { Logger } from '../plugin/log.ts'
import { readListenAddress } from './listen-address.ts'

/** Serves all metrics at node-cache's second address, for those who scrape it there. Text that is no address turns it off. */
export async function serveAgentMetrics(
  text: string,
  metrics: Metrics,
  shared: SharedSockets | undefined,
  log: Logger,
): Promise<void> {
  const address = readListenAddress(text)
  if (!address) {
    log.info(`-metrics-listen-address is off: ${text}`)
    return
  }
  const respond = ({ path }: { path: string }) => (path === '/metrics' ? scrape() : undefined)
  const scrape = async () => {
    const { contentType, body } = await metrics.scrape()
    return { status: 200, headers: { 'content-type': contentType }, body }
  }
  try {
    await openHttpServer(address, respond, { shared })
  } catch (error) {
    log.error(`-metrics-listen-address: ${(error as Error).message}`)
  }
}
