import { Agent, get } from 'node:http'
import { formatDuration, type HostPort, type Logger, type PluginContext, SLIM_TIME_BUCKETS } from 'corelet/plugin'

/** Milliseconds between two requests, and after which an answer counts as slow. */
const INTERVAL = 1000
/** Milliseconds until a request without an answer counts as failed. */
const TIMEOUT = 3000

/** Asks the health endpoint every second, measures how long it takes and warns when it is slow or fails. */
export function startSelfCheck(
  address: HostPort,
  { log, metrics, clock }: Pick<PluginContext, 'metrics' | 'clock'> & { log: Logger },
): { stop(): void } {
  const host = address.host === '' ? 'localhost' : address.host
  const target = { host, port: address.port, path: '/health' }
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}/health`
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const duration = metrics
    .histogram('coredns_health_request_duration_seconds', 'Time the own health request took.', SLIM_TIME_BUCKETS)
    .with()
  const failures = metrics.counter('coredns_health_request_failures_total', 'Own health requests that failed.').with()
  let busy = false
  let stopped = false

  async function check(): Promise<void> {
    if (busy) return
    busy = true
    const start = clock.monotonic()
    const error = await request()
    busy = false
    if (stopped) return
    const elapsed = clock.monotonic() - start
    duration.observe(elapsed / 1000)
    if (error) {
      failures.inc()
      log.warning(`Local health request to "${url}" failed: ${error.message}`)
    } else if (elapsed > INTERVAL) {
      log.warning(`Local health request to "${url}" took more than 1s: ${formatDuration(elapsed)}`)
    }
  }

  function request(): Promise<Error | undefined> {
    return new Promise((resolve) => {
      const sent = get({ ...target, agent }, (response) => response.resume().once('close', () => settle(undefined)))
      const timer = clock.timeout(TIMEOUT, () => sent.destroy(new Error('no answer within 3s')))
      sent.on('error', settle)
      function settle(error: Error | undefined) {
        timer.cancel()
        resolve(error)
      }
    })
  }

  const interval = clock.interval(INTERVAL, () => void check())
  return {
    stop() {
      stopped = true
      interval.cancel()
      agent.destroy()
    },
  }
}
