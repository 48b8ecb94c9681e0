import type { SharedSockets } from '../net/shared-sockets.ts'
import type { DnsMetrics } from '../observe/dns-metrics.ts'
import type { HeldGauges } from '../observe/held-gauges.ts'
import type { HttpEndpoints } from '../observe/http.ts'
import type { Log } from '../observe/log.ts'
import type { ProcessMetrics } from '../observe/metrics.ts'
import type { Clock, Counter } from '../plugin/index.ts'
import type { CarriedStates } from './carried.ts'

/** What all generations of an instance share. */
export interface Services {
  log: Log
  metrics: ProcessMetrics
  gauges: HeldGauges
  dnsMetrics: DnsMetrics
  panics: Counter
  rollbacks: Counter
  http: HttpEndpoints
  carried: CarriedStates
  clock: Clock
  /** Keeps the listening sockets, where processes share them or come after one another. */
  shared?: SharedSockets | undefined
  /** Whether the kernel lets UDP sockets leave a port that others share; tried once. */
  heedsLeaving(): Promise<boolean>
  /** The label in the question by which the agent of the node finds this server among others. */
  probe?: string | undefined
  /** Ends the process with status 1. */
  exit(): void
}
