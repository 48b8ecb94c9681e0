import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import {
  askAndNote,
  definePlugin,
  type Handler,
  type HttpResponse,
  type HttpTls,
  hostPort,
  one,
  option,
  optional,
  type PluginContext,
  type Query,
  type Reply,
  text,
} from 'corelet/plugin'
import { DnsMetrics } from '../../src/observe/dns-metrics.ts'
import { parseWebConfig, type WebConfig } from './web-config.ts'

const DEFAULT_ADDRESS = { host: 'localhost', port: 9153 }

/** Counts the queries of its block and exports all metrics over HTTP. */
export default definePlugin({
  name: 'prometheus',
  summary: 'counts the queries of the block and exports all metrics over HTTP',
  observes: true,
  directive: {
    args: [optional(hostPort())],
    options: {
      runtime_metrics: option('accepted; metrics of the runtime are always exported', []),
      tls: option('serve HTTPS as the web configuration in FILE says', [one(text('FILE'))]),
    },
    unknown: 'unknown-option',
  },
  errors: {
    'unknown-option': {
      message: 'unknown option: {0}',
      hint: '{1}',
      example: '. {\n  prometheus {\n    path /metrics\n  }\n}',
    },
    'second-tls': {
      message: 'tls block already specified',
      hint: 'keep one of the tls lines',
      example: '. {\n  prometheus {\n    tls web.yml\n    tls other.yml\n  }\n}',
    },
  },
  parse([directive], { report }) {
    const { values, options } = directive!
    const [tls, secondTls] = options.tls
    if (secondTls) return void report(secondTls.token, 'second-tls')
    return { address: values[0] ?? DEFAULT_ADDRESS, webConfig: tls?.values[0] }
  },
  async start({ address, webConfig }, context) {
    const { log, http, metrics, block } = context
    try {
      const tls = webConfig === undefined ? undefined : await loadTls(resolve(block.settings.root, webConfig))
      await http.serve(address, '/metrics', scrape, tls)
    } catch (error) {
      log.error(`Failed to start metrics handler: ${(error as Error).message}`)
    }

    async function scrape(): Promise<HttpResponse> {
      const { contentType, body } = await metrics.scrape()
      return { status: 200, headers: { 'content-type': contentType }, body }
    }

    return { handler: countQueries(context), listening: () => publishHandlers(context) }
  },
})

function countQueries({ metrics, clock }: PluginContext): Handler {
  const dnsMetrics = new DnsMetrics(metrics)
  const count = (query: Query, reply: Reply): void =>
    dnsMetrics.record(query, reply, clock.monotonic() - query.received, query.zone, query.view)
  return (query, next) => askAndNote(query, next, count)
}

/** Names the handlers of the block in `coredns_plugin_enabled`. */
function publishHandlers({ metrics, block }: PluginContext): void {
  const labels = ['server', 'zone', 'view', 'name']
  const enabled = metrics.gauge(
    'coredns_plugin_enabled',
    'Plugins that handle queries, per server and zone.',
    labels,
    'max',
  )
  for (const listener of block.listeners) {
    const zone = block.zoneAt(listener)
    for (const name of block.handlers) enabled.with(listener.server, zone, block.view, name).set(1)
  }
}

/** Reads the web configuration and the files it names. @throws Error */
async function loadTls(file: string): Promise<HttpTls> {
  const config: WebConfig = parseWebConfig(await readFile(file, 'utf8'))
  const read = (path: string) => readFile(resolve(dirname(file), path), 'utf8')
  return {
    cert: await read(config.certFile),
    key: await read(config.keyFile),
    ...(config.clientCaFile === undefined ? {} : { ca: await read(config.clientCaFile) }),
    clientAuth: config.clientAuth,
    minVersion: config.minVersion,
  }
}
