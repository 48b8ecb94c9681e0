import { RCODES } from '../dns/constants.ts'
import { defaultSettings } from '../plugin/block-settings.ts'
import type { HttpRequest, HttpResponse, PluginContext } from '../plugin/context.ts'
import type { Listener } from '../plugin/listener.ts'
import type { Level, Logger } from '../plugin/log.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeMetrics } from './fake-metrics.ts'

export interface FakeContext extends PluginContext {
  readonly clock: FakeClock
  readonly metrics: FakeMetrics
  /** Log lines, `[LEVEL] plugin/NAME: text`. */
  readonly lines: string[]
  /** HTTP handlers by `host:port/path`. */
  readonly routes: Map<string, (request: HttpRequest) => HttpResponse | Promise<HttpResponse>>
}

/** A context for a plugin under test; parts can be replaced. */
export function fakeContext(
  parts: Partial<Omit<PluginContext, 'clock' | 'metrics'>> & { zones?: string[] } = {},
): FakeContext {
  const { zones = ['.'], ...rest } = parts
  const lines: string[] = []
  const routes: FakeContext['routes'] = new Map()
  const shared = new Map<string, unknown>()
  const plugin = parts.plugin ?? 'test'
  return {
    plugin,
    block: {
      zones,
      listeners: [fakeListener()],
      zoneAt: () => zones[0] ?? '.',
      handlers: [],
      hashBehind: () => '',
      view: '',
      settings: defaultSettings(),
    },
    log: fakeLogger(plugin, lines),
    lines,
    metrics: new FakeMetrics(),
    clock: new FakeClock(),
    routes,
    http: {
      serve: async (address, path, handle) => {
        routes.set(`${address.host}:${address.port}${path}`, handle)
        return address
      },
    },
    instance: {
      hash: '',
      files: [],
      examine: async () => ({ hash: '', files: [] }),
      reload: async () => ({ ok: true }),
      problem: () => undefined,
      fatal: (message) => void lines.push(`[FATAL] ${message}`),
    },
    ask: (query) => query.fail(RCODES.SERVFAIL, 'test', 'nothing to ask'),
    share<T>(key: string, create: () => T): T {
      if (!shared.has(key)) shared.set(key, create())
      return shared.get(key) as T
    },
    carry: (_fingerprint, make) => make(),
    notReady: () => [],
    running: true,
    ...rest,
  }
}

function fakeLogger(plugin: string, lines: string[]): Logger {
  const write = (level: Level, text: string) => void lines.push(`[${level.toUpperCase()}] ${text}`)
  const prefixed = (level: Level) => (text: string) => write(level, `plugin/${plugin}: ${text}`)
  return {
    debug: prefixed('debug'),
    info: prefixed('info'),
    warning: prefixed('warning'),
    error: prefixed('error'),
    line: write,
  }
}

export function fakeListener(parts: Partial<Listener> = {}): Listener {
  return { server: 'dns://:53', transport: 'dns', address: '', port: 53, ...parts }
}
