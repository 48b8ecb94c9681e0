/**
 * The order of the chain, as in CoreDNS's plugin.cfg; the order in a Corefile means nothing. A plugin is imported when a Corefile uses
 * it. A `plugin.cfg` beside the Corefile replaces this list at run time.
 */
import type { Plugin } from 'corelet/plugin'

type Load = () => Promise<{ default: unknown }>

export const order: readonly (readonly [name: string, load: Load])[] = [
  ['reload', () => import('./reload/index.ts')],
  ['bind', () => import('./bind/index.ts')],
  ['debug', () => import('./debug/index.ts')],
  ['ready', () => import('./ready/index.ts')],
  ['health', () => import('./health/index.ts')],
  ['prometheus', () => import('./prometheus/index.ts')],
  ['errors', () => import('./errors/index.ts')],
  ['log', () => import('./log/index.ts')],
  ['cache', () => import('./cache/index.ts')],
  ['aaaa-filter', () => import('./aaaa-filter/index.ts')],
  ['hosts', () => import('./hosts/index.ts')],
  ['loop', () => import('./loop/index.ts')],
  ['forward', () => import('./forward/index.ts')],
  ['whoami', () => import('./whoami/index.ts')],
]

export type { Plugin }
