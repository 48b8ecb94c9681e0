import { definePlugin, duration, one, option, optional, type PluginContext } from 'corelet/plugin'
import { ConfigWatch, type Pace } from './watch.ts'

interface ReloadOptions {
  pace: Pace
  /** Milliseconds; see BlockSettings. */
  watch: number
}

const DEFAULT_INTERVAL = 30_000
const DEFAULT_JITTER = 15_000

/** Reloads the configuration when its files change. */
export default definePlugin({
  name: 'reload',
  summary: 'reloads the Corefile when it changes',
  repeat: 'first',
  directive: {
    args: [
      optional(duration('INTERVAL', { min: 2000, below: 'interval-too-short' })),
      optional(duration('JITTER', { min: 0, below: 'jitter-too-short' })),
    ],
    options: {
      watch: option('take a new configuration back when it does much worse within DURATION', [
        one(duration('DURATION', { min: 2000, below: 'watch-too-short' })),
      ]),
    },
  },
  errors: {
    'interval-too-short': {
      message: 'interval value must be greater or equal to 2s',
      hint: 'changes are seen at once anyway where the system tells about them; the interval is for where it does not',
      example: '. {\n  reload 1s\n}',
    },
    'watch-too-short': {
      message: 'watch must be at least 2s',
      hint: 'write how long a new configuration is to be watched, for example watch 30s',
      example: '. {\n  reload {\n    watch 1s\n  }\n}',
    },
    'jitter-too-short': {
      message: 'jitter value must be 0 or greater or equal to 1s',
      hint: 'write 0s for no jitter',
      example: '. {\n  reload 10s 500ms\n}',
    },
  },
  parse([use], { report }): ReloadOptions | undefined {
    const [interval = DEFAULT_INTERVAL, jitter = DEFAULT_JITTER] = use!.values
    if (jitter > 0 && jitter < 1000) return void report(use!.tokens[1]!, 'jitter-too-short')
    const watch = use!.options.watch.at(-1)?.values[0] ?? 0
    return { pace: { interval, jitter: Math.min(jitter, interval / 2) }, watch }
  },
  configure({ watch }, settings) {
    settings.watch = watch
  },
  start({ pace }, context) {
    const watch = sharedWatch(context)
    watch.pace = pace
    return { listening: () => watch.start(), stop: () => watch.stop() }
  },
})

/** All blocks share one watch; the last block's interval counts. */
function sharedWatch(context: PluginContext): ConfigWatch {
  return context.share('reload', () => new ConfigWatch(context))
}
