import {
  choice,
  definePlugin,
  type HttpResponse,
  hostPort,
  one,
  option,
  optional,
  type PluginContext,
} from 'corelet/plugin'

const DEFAULT_ADDRESS = { host: '', port: 8181 }
/** Characters of a header. */
const LONGEST = 1000

/** Says over HTTP whether all plugins are ready to answer. */
export default definePlugin({
  name: 'ready',
  summary: 'says over HTTP whether all plugins are ready',
  directive: {
    args: [optional(hostPort())],
    options: {
      monitor: option('whether plugins are asked until they were ready once, or always', [
        one(choice('MODE', ['until-ready', 'continuously'], { code: 'bad-monitor' })),
      ]),
    },
  },
  errors: {
    'bad-monitor': {
      message: "monitor type '{0}' not supported",
      hint: '{1}',
      example: '. {\n  ready {\n    monitor always\n  }\n}',
    },
  },
  parse([directive]) {
    return {
      address: directive!.values[0] ?? DEFAULT_ADDRESS,
      continuously: directive!.options.monitor.at(-1)?.values[0] === 'continuously',
    }
  },
  async start({ address, continuously }, context) {
    const { http, log } = context
    /** Those that were never ready; undefined before the first request. */
    let waiting: string[] | undefined

    function answer(): HttpResponse {
      if (!context.running) return { status: 503, body: 'shutting down' }
      const notReady = [...new Set(context.notReady())].sort()
      waiting = continuously || !waiting ? notReady : notReady.filter((name) => waiting!.includes(name))
      if (waiting.length === 0) return { status: 200, ...describeProblem(context), body: 'OK' }
      const names = waiting.join(',')
      log.info(`Plugins not ready: "${names}"`)
      return { status: 503, body: names }
    }

    try {
      await http.serve(address, '/ready', answer)
    } catch (error) {
      log.error(`Failed to start ready handler: ${(error as Error).message}`)
    }
    return undefined
  },
})

/** A header that says why the configuration tried last does not run: the body stays what scripts know. */
function describeProblem({ instance }: PluginContext): { headers?: Record<string, string> } {
  const problem = instance.problem()
  if (problem === undefined) return {}
  return { headers: { 'corelet-reload': problem.replace(/[^\x20-\x7e]/g, '?').slice(0, LONGEST) } }
}
