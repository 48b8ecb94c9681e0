import { custom, definePlugin, type HttpRequest, type HttpResponse, hostPort, option, optional } from 'corelet/plugin'
import { ProcessProfiler } from './profiler.ts'

const DEFAULT_ADDRESS = { host: 'localhost', port: 6053 }

/** Seconds. */
const DEFAULT_DURATION = 30
const MAX_DURATION = 300

const PATH = '/debug/pprof/'

const INDEX = `${PATH}

cmdline  the command line, words ended by zero octets
heap     a sample of the objects in use; ?gc=1 collects garbage first
profile  a CPU profile of ?seconds=N, ${DEFAULT_DURATION} if left out

go tool pprof http://localhost:6053${PATH}profile
`

const rate = custom('RATE', 'integer', (token, report) => {
  if (/^[+-]?\d+$/.test(token.text)) return Number(token.text)
  return void report(token, 'bad-rate', token.text)
})

/** Serves profiles of the process over HTTP, for pprof's tools. */
export default definePlugin({
  name: 'pprof',
  summary: 'serves CPU and heap profiles over HTTP',
  directive: {
    args: [optional(hostPort('ADDRESS'))],
    options: { block: option('is taken and means nothing: Node.js has no blocking profile', [optional(rate)]) },
  },
  errors: {
    'bad-rate': {
      message: "property 'block' invalid integer value '{0}'",
      hint: 'RATE is a whole number',
      example: '. {\n  pprof {\n    block often\n  }\n}',
    },
  },
  parse: ([use]) => ({ address: use!.values[0] ?? DEFAULT_ADDRESS }),
  async start({ address }, { http, clock }) {
    const profiler = await ProcessProfiler.acquire()
    const routes: Record<string, (search: URLSearchParams) => HttpResponse | Promise<HttpResponse>> = {
      '': () => ({ status: 200, body: INDEX }),
      cmdline: () => ({
        status: 200,
        body: [process.execPath, ...process.execArgv, ...process.argv.slice(1)].join('\0'),
      }),
      heap: async (search) => toDownload('heap', await profiler.heap(Number(search.get('gc')) > 0, clock)),
      profile: async (search) => {
        const seconds = Number(search.get('seconds') ?? DEFAULT_DURATION)
        if (!(seconds > 0 && seconds <= MAX_DURATION)) {
          return { status: 400, body: `seconds is a number from 1 to ${MAX_DURATION}\n` }
        }
        const profile = await profiler.cpu(seconds * 1000, clock)
        if (profile) return toDownload('profile', profile)
        return { status: 500, body: 'Could not enable CPU profiling: cpu profiling already in use\n' }
      },
    }
    try {
      for (const [name, answer] of Object.entries(routes)) {
        const handle = ({ search }: HttpRequest) => answer(new URLSearchParams(search))
        await http.serve(address, PATH + name, handle)
      }
    } catch (error) {
      profiler.release()
      throw error
    }
    return { stop: () => profiler.release() }
  },
})

function toDownload(name: string, body: Uint8Array): HttpResponse {
  const headers = {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="${name}"`,
    'x-content-type-options': 'nosniff',
  }
  return { status: 200, headers, body }
}
