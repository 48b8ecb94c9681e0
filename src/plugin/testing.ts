/** The kit for tests of plugins: a clock to turn, a context that records, directives and queries from text. */

import { noFiles } from '../corefile/files.ts'
import type { Diagnostic } from '../corefile/model.ts'
import { parseCorefile } from '../corefile/parse.ts'
import { fromTypeName, RCODES, RD } from '../dns/constants.ts'
import { parseRecord } from '../dns/text.ts'
import { defaultSettings } from './block-settings.ts'
import type { Handler, Next } from './chain.ts'
import { isPending } from './chain.ts'
import type { Clock, Timer } from './clock.ts'
import type { BlockSettings, HttpRequest, HttpResponse, PluginContext } from './context.ts'
import type { AnyPlugin, Running } from './define.ts'
import type { Listener, Peer } from './listener.ts'
import type { Level, Logger } from './log.ts'
import type { Counter, Family, Gauge, Histogram, Metrics } from './metrics.ts'
import { Query } from './query.ts'
import { readUses } from './read.ts'
import { Reply, type ReplyParts } from './reply.ts'

/** A clock that stands still until {@link FakeClock.advance}; starts at 2026-01-01. */
export class FakeClock implements Clock {
  #now = 0
  #start = Date.UTC(2026, 0, 1)
  #timers = new Set<{ due: number; every: number | undefined; callback: () => void }>()

  monotonic(): number {
    return this.#now
  }

  wall(): number {
    return this.#start + this.#now
  }

  timeout(milliseconds: number, callback: () => void): Timer {
    return this.#add(milliseconds, undefined, callback)
  }

  interval(milliseconds: number, callback: () => void): Timer {
    return this.#add(milliseconds, Math.max(1, milliseconds), callback)
  }

  #add(milliseconds: number, every: number | undefined, callback: () => void): Timer {
    const timer = { due: this.#now + milliseconds, every, callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves on, calls what falls due in its order, and lets promises settle after each call. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    for (;;) {
      await settle()
      const next = [...this.#timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0]
      if (!next) break
      this.#now = Math.max(this.#now, next.due)
      if (next.every === undefined) this.#timers.delete(next)
      else next.due += next.every
      next.callback()
    }
    this.#now = end
    await settle()
  }
}

/** Lets all promises that can settle do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Reads a directive from text as the server would. The text stands in a block `. { … }`, from its second line on. */
export async function readText<Options>(
  plugin: AnyPlugin<Options>,
  text: string,
  zones: readonly string[] = ['.'],
): Promise<{ options: Options[]; diagnostics: Diagnostic[] }> {
  const { blocks, diagnostics } = await parseCorefile(
    { file: 'Corefile', text: `. {\n${text}\n}\n` },
    { read: noFiles, env: {} },
  )
  const uses = blocks[0]?.directives.filter((directive) => directive.name.text === plugin.name) ?? []
  const read = readUses(plugin, uses, zones)
  return { options: read.options, diagnostics: [...diagnostics, ...read.diagnostics] }
}

/** A plugin that runs in a fake context. */
export interface Started<Options> {
  options: Options
  running: Running
  settings: BlockSettings
  context: FakeContext
  /** Asks the handler. */
  ask(query: Query, next?: NextLike): Promise<Reply>
  /** Asks the handler and fails when it makes a promise. */
  askNow(query: Query, next?: NextLike): Reply
}

export type NextLike = (query: Query) => Reply | Promise<Reply>

/** Reads, configures and starts a plugin from the text of one directive. @throws Error that lists diagnostics */
export async function startPlugin<Options>(
  plugin: AnyPlugin<Options>,
  text: string,
  context: FakeContext = fakeContext({ plugin: plugin.name }),
): Promise<Started<Options>> {
  const { options, diagnostics } = await readText(plugin, text, context.block.zones)
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (errors.length > 0 || options.length === 0) {
    throw new Error(
      errors.map(({ line, column, message }) => `${line}:${column} ${message}`).join('\n') || 'no directive',
    )
  }
  const settings = context.block.settings as BlockSettings
  plugin.configure?.(options[0]!, settings, {
    interfaces: () => new Map([['lo', ['127.0.0.1', '::1']]]),
    keys: [{ text: '.', transport: 'dns' }],
    report(token, code) {
      throw new Error(`${token.position.line}:${token.position.column} ${code}`)
    },
  })
  const started = (await plugin.start?.(options[0]!, context)) ?? {}
  const running: Running = typeof started === 'function' ? { handler: started } : started
  const call = (query: Query, next: NextLike = noNext) => running.handler!(query, toNext(next))
  return {
    options: options[0]!,
    running,
    settings,
    context,
    ask: async (query, next) => call(query, next),
    askNow(query, next) {
      const result = call(query, next)
      if (isPending(result)) throw new Error('the handler made a promise')
      return result
    },
  }
}

const noNext: NextLike = (query) => query.fail(RCODES.SERVFAIL, 'test', 'no next plugin found')

/** A Next for a handler; `plugin` is what it says it leads to. */
export function toNext(next: NextLike, plugin?: string): Next {
  return Object.assign((query: Query) => next(query), { plugin })
}

export { defaultSettings, type Handler }

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

export interface QueryParts {
  dnssecOk?: boolean
  /** Header flags beside RD, e.g. CD. */
  flags?: number
  qclass?: number
  udpSize?: number
  proto?: 'udp' | 'tcp'
  client?: Peer
  listener?: Listener
  received?: number
  zone?: string
  /** False for a block without the `metadata` plugin. */
  metadata?: boolean
}

/** A query as a client would send it: `toQuery('example.org', 'AAAA')`. */
export function toQuery(name: string, type = 'A', parts: QueryParts = {}): Query {
  const qtype = fromTypeName(type)
  if (qtype === undefined) throw new Error(`no such type: ${type}`)
  const question = Query.ask(
    { name, qtype, qclass: parts.qclass ?? 1 },
    {
      listener: parts.listener ?? fakeListener(),
      client: parts.client ?? { address: '192.0.2.53', port: 40_212 },
      local: { address: '127.0.0.1', port: 53 },
      proto: parts.proto ?? 'udp',
      received: parts.received ?? 0,
    },
  )
  const udpSize = parts.udpSize ?? (parts.dnssecOk ? 1232 : 0)
  const edns = udpSize > 0 ? { udpSize, flags: parts.dnssecOk ? 0x8000 : 0, options: [] } : null
  const changed = question.with({ id: 4711, flags: RD | (parts.flags ?? 0), edns })
  const fresh = changed.over(question.proto)
  fresh.zone = parts.zone ?? '.'
  if (parts.metadata !== false) fresh.collectMetadata()
  return fresh
}

/** A message as an upstream sends it, its records as text. */
export interface MessageText {
  rcode?: number
  /** Header flags beside those of a plain reply. */
  flags?: number
  answers?: readonly string[]
  authorities?: readonly string[]
  additionals?: readonly string[]
  /** EDNS flags that the message came with. */
  ednsFlags?: number
  options?: Reply['options']
}

/** The reply of an upstream to `query`. @throws TextError */
export function toReply(query: Query, message: MessageText): Reply {
  const { rcode = RCODES.NOERROR, flags = 0, ednsFlags = 0, options = [] } = message
  const records = (lines: readonly string[] = []) => lines.map((line) => parseRecord(line))
  const made = query.reply(
    {
      rcode,
      answers: records(message.answers),
      authorities: records(message.authorities),
      additionals: records(message.additionals),
      options,
    },
    'upstream',
    'answered',
  )
  const scan = { ...made.scan!, ednsFlags }
  return new Reply('answer', rcode, made.flags | flags, made.wire, scan, -1, options, made.plugin, made.reason)
}

/** A handler's next that answers with records; counts and keeps what it was asked. */
export function answering(parts: ReplyParts): NextLike & { asked: Query[] } {
  const asked: Query[] = []
  return Object.assign(
    (query: Query) => {
      asked.push(query)
      return query.reply(parts, 'test', 'fixed answer')
    },
    { asked },
  )
}

/** Metrics that can be looked at: `metrics.value('coredns_x_total', 'label')`. Histograms count their observations. */
export class FakeMetrics implements Metrics {
  readonly values = new Map<string, number>()

  value(name: string, ...labels: string[]): number | undefined {
    return this.values.get([name, ...labels].join('|'))
  }

  counter(name: string): Family<Counter> {
    return this.#family(name)
  }

  gauge(name: string): Family<Gauge> {
    return this.#family(name)
  }

  histogram(name: string): Family<Histogram> {
    return this.#family(name)
  }

  async scrape(): Promise<{ contentType: string; body: string }> {
    return { contentType: 'text/plain', body: [...this.values].map(([key, value]) => `${key} ${value}`).join('\n') }
  }

  #family(name: string): Family<Counter & Gauge & Histogram> {
    const key = (labels: readonly string[]) => [name, ...labels].join('|')
    const add = (at: string, by: number) => this.values.set(at, (this.values.get(at) ?? 0) + by)
    return {
      with: (...labels) => {
        const at = key(labels)
        return {
          inc: (by = 1) => void add(at, by),
          dec: (by = 1) => void add(at, -by),
          set: (value) => void this.values.set(at, value),
          observe: () => void add(at, 1),
        }
      },
      remove: (...labels) => void this.values.delete(key(labels)),
      clear: () => {
        for (const at of this.values.keys()) if (at === name || at.startsWith(`${name}|`)) this.values.delete(at)
      },
    }
  }
}
