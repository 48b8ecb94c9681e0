/** A whole server in this process, from the text of a Corefile. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missing, order } from '../../plugins/order.ts'
import type { Message } from '../dns/message.ts'
import { systemFiles } from '../instance/files.ts'
import { Instance } from '../instance/instance.ts'
import { ModuleLoader } from '../instance/module-loader.ts'
import type { BuiltIn } from '../instance/plugin-catalog.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import type { Clock } from '../plugin/clock.ts'
import type { AnyPlugin } from '../plugin/define.ts'
import { type QueryOptions, query } from './query.ts'

export interface ServerOptions {
  /** Environment variables for the Corefile. */
  env?: Record<string, string>
  /** Port of keys without one; a free one when left out. */
  dnsPort?: number
  /** Where the Corefile lies as far as relative paths and a plugin.cfg are concerned; no such folder when left out. */
  folder?: string
  /** The machine's when left out. */
  clock?: Clock
  /** Plugins that there are besides corelet's own, at the end of the chain; where a `plugin.cfg` is, it says what there is. */
  plugins?: readonly AnyPlugin[]
}

export interface TestServer extends AsyncDisposable {
  /** @internal */
  readonly instance: Instance
  /** The first listener's address; loopback when it listens everywhere. */
  readonly address: string
  /** The first listener's port. */
  readonly port: number
  /** The ports of all listeners, in the Corefile's order. */
  readonly ports: readonly number[]
  /** Log lines so far, without line breaks. */
  readonly lines: readonly string[]
  /** Whether a plugin asked to end the process. */
  readonly exited: boolean
  /** Asks the first listener, or the one at `port`. */
  query(name: string, type: string, options?: QueryOptions & { port?: number }): Promise<Message>
  /** Settles when a log line matches. @throws (rejects) Error after 5 s */
  logged(pattern: RegExp): Promise<string>
  /** Takes another Corefile. */
  reload(corefile: string): Promise<{ ok: true } | { ok: false; error: string }>
  /** The metrics in the Prometheus text format. */
  metrics(): Promise<string>
  stop(): Promise<void>
}

const PATIENCE = 5000

/** Starts a server. Keys without a port get a free one. @throws (rejects) Error with the diagnostics when it does not start */
export async function startServer(corefile: string, options: ServerOptions = {}): Promise<TestServer> {
  const { env = {}, dnsPort = 0, folder = join(tmpdir(), 'no-such-folder'), plugins = [] } = options
  const lines: string[] = []
  const waiting = new Set<(line: string) => void>()
  let text = corefile
  let exited = false
  const metrics = createMetrics({ version: 'test', revision: '' })
  const log = createLog({
    metrics,
    output(chunk, done) {
      for (const line of chunk.toString().trimEnd().split('\n')) {
        lines.push(line)
        for (const wait of waiting) wait(line)
      }
      done(null)
    },
  })
  const instance = await Instance.start({
    files: systemFiles,
    env,
    dnsPort,
    builtIns: { order: [...order, ...plugins.map(toBuiltIn)], missing },
    loader: new ModuleLoader(),
    interfaces: () => new Map([['lo', ['127.0.0.1', '::1']]]),
    readCorefile: () => ({ file: join(folder, 'Corefile'), text }),
    log,
    metrics,
    ...(options.clock && { clock: options.clock }),
    exit: () => {
      exited = true
    },
  })

  const server: TestServer = {
    instance,
    lines,
    get exited() {
      return exited
    },
    get address() {
      const { address = '' } = instance.sites[0]?.listener ?? {}
      return ['', '0.0.0.0', '::'].includes(address) ? '127.0.0.1' : address
    },
    get port() {
      return instance.sites[0]?.listener.port ?? 0
    },
    get ports() {
      return instance.sites.map(({ listener }) => listener.port)
    },
    query: (name, type, { port = server.port, ...rest } = {}) =>
      query({ address: server.address, port }, name, type, rest),
    logged: (pattern) =>
      new Promise((resolve, reject) => {
        const seen = lines.find((line) => pattern.test(line))
        if (seen !== undefined) return resolve(seen)
        const timer = setTimeout(() => {
          waiting.delete(wait)
          reject(new Error(`no log line like ${pattern} in:\n${lines.join('\n')}`))
        }, PATIENCE)
        const wait = (line: string) => {
          if (!pattern.test(line)) return
          clearTimeout(timer)
          waiting.delete(wait)
          resolve(line)
        }
        waiting.add(wait)
      }),
    reload(corefile) {
      text = corefile
      return instance.reload()
    },
    metrics: async () => (await metrics.scrape()).body,
    async stop() {
      await instance.shutdown({ drain: true })
      await log.flush()
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
  return server
}

function toBuiltIn(plugin: AnyPlugin): BuiltIn {
  return [plugin.name, async () => ({ default: plugin })]
}
