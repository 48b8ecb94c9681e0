import { custom, definePlugin, formatDuration, hostPort, one, option, optional, parseDuration } from 'corelet/plugin'
import { startSelfCheck } from './self-check.ts'

const DEFAULT_ADDRESS = { host: '', port: 8080 }

/** Milliseconds that a timer may come late. */
const SPARE = 5000

const lameduck = custom('DURATION', 'duration', (token, report) => {
  const milliseconds = parseDuration(token.text)
  if (typeof milliseconds === 'number') return milliseconds
  return void report(token, 'bad-lameduck', token.text, milliseconds)
})

/** Says over HTTP that the process lives, and asks itself every second to notice overload. */
export default definePlugin({
  name: 'health',
  summary: 'says over HTTP that the process is alive',
  repeat: 'merge',
  directive: {
    args: [optional(hostPort())],
    options: {
      lameduck: option('keep serving for DURATION after the process was told to end', [one(lameduck)]),
    },
  },
  errors: {
    'bad-lameduck': {
      message: "unable to parse lameduck duration value: '{0}' : time: {1}",
      hint: 'write a number with a unit, for example 5s',
      example: '. {\n  health {\n    lameduck 5\n  }\n}',
    },
  },
  parse: (uses) => ({
    address: uses.flatMap(({ values }) => values[0] ?? []).at(-1) ?? DEFAULT_ADDRESS,
    lameduck: uses.flatMap(({ options }) => options.lameduck).at(-1)?.values[0] ?? 0,
  }),
  async start({ address, lameduck }, { http, log, metrics, clock }) {
    const bound = await http.serve(address, '/health', () => ({ status: 200, body: 'OK' }))
    let selfCheck: { stop(): void } | undefined
    return {
      listening() {
        selfCheck = startSelfCheck(bound, { log, metrics, clock })
      },
      drainTime: lameduck + SPARE,
      async drain() {
        if (lameduck <= 0) return
        log.info(`Going into lameduck mode for ${formatDuration(lameduck)}`)
        await new Promise<void>((resolve) => clock.timeout(lameduck, resolve))
      },
      stop() {
        selfCheck?.stop()
      },
    }
  },
})
