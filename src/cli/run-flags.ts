import type { AgentOptions } from '../agent/options.ts'
import { parseDuration } from '../plugin/duration.ts'
import { AGENT_FLAGS, readAgentFlags } from './agent-flags.ts'
import { describeFlags, type Flags, parseGoFlags, UsageError } from './go-flags.ts'

/** What the server is told on its command line. */
export interface RunFlags {
  /** Empty when not given; for the agent of a node the Corefile that it makes. */
  conf: string
  dnsPort: number
  /** Empty when not given. */
  pidfile: string
  plugins: boolean
  /** Plugins from outside are forbidden. */
  builtinPluginsOnly: boolean
  quiet: boolean
  version: boolean
  hint: boolean
  logFormat: 'text' | 'json'
  supervise: boolean
  /** Milliseconds without a sign of life after which a worker is replaced; 0 is never. */
  stuckAfter: number
  /** This is the agent of a node. */
  agent: AgentOptions | undefined
  /** Of flags that have no effect. */
  warnings: readonly string[]
}

/** The flags of the server, and of the agent. */
export const RUN_FLAGS = {
  conf: { type: 'string', usage: 'Corefile to load (default "Corefile"); stdin reads standard input' },
  'dns.port': { type: 'string', usage: 'Default port (default 53)' },
  p: { type: 'string', usage: 'Default port (default 53)' },
  'log-format': { type: 'string', usage: 'Format of log lines: text or json (default "text")' },
  pidfile: { type: 'string', usage: 'Path to write pid file' },
  plugins: { type: 'boolean', usage: 'List the plugins that a Corefile may use' },
  'builtin-plugins-only': { type: 'boolean', usage: 'Forbid plugins that a plugin.cfg takes from paths or packages' },
  quiet: { type: 'boolean', usage: 'Quiet mode (no initialization output)' },
  version: { type: 'boolean', usage: 'Show version' },
  hint: { type: 'boolean', usage: 'Say after the start what to type to try it' },
  supervise: { type: 'boolean', usage: 'Replace the server at once when it dies, on the sockets that stay open' },
  'stuck-after': {
    type: 'string',
    usage: 'With -supervise, replace a process that stands still for so long, 0 for never (default 2s)',
  },
  h: { type: 'boolean', usage: 'Show this text' },
  help: { type: 'boolean', usage: 'Show this text' },
  ...AGENT_FLAGS,
} satisfies Flags

const USAGE = `Usage of corelet:
  corelet [FLAGS]       run the server
  corelet check FILE    check a Corefile, see corelet check --help
  corelet new plugin NAME  make a plugin of your own, see corelet new --help
  corelet status        who answers at the addresses of the agent of this node
  corelet uninstall     free this node from what an agent has left
  corelet health        whether a server answers, see corelet health --help

Flags:
${describeFlags(RUN_FLAGS)}`

/** Reads the flags; otherwise the text to show on standard error and the exit status. */
export function readRunFlags(args: readonly string[]): RunFlags | { exitCode: number; text: string } {
  try {
    const { values, rest } = parseGoFlags(args, RUN_FLAGS)
    if (values['h'] || values['help']) return { exitCode: 0, text: USAGE }
    if (rest.length > 0) return { exitCode: 1, text: `extra command line arguments: [${rest.join(' ')}]\n` }
    const server = { conf: String(values['conf'] ?? ''), dnsPort: readPort(args, values) }
    const warnings: string[] = []
    const agent = readAgentFlags(values, server, (text) => warnings.push(text))
    return {
      conf: agent?.corefile ?? server.conf,
      dnsPort: server.dnsPort,
      pidfile: String(values['pidfile'] ?? ''),
      plugins: values['plugins'] === true,
      builtinPluginsOnly: values['builtin-plugins-only'] === true,
      quiet: values['quiet'] === true,
      version: values['version'] === true,
      hint: values['hint'] === true,
      logFormat: readLogFormat(values['log-format']),
      // the agent takes the rules away when the server does not answer, so it can't be one process with it
      supervise: values['supervise'] === true || agent !== undefined,
      stuckAfter: readStuckAfter(values['stuck-after']),
      agent,
      warnings,
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return { exitCode: 2, text: `${error.message}\n${USAGE}` }
  }
}

/** @throws UsageError */
function readLogFormat(value: string | boolean | undefined): 'text' | 'json' {
  if (value === undefined || value === 'text') return 'text'
  if (value === 'json') return 'json'
  throw new UsageError(`invalid value "${value}" for flag -log-format: not text or json`)
}

/** @throws UsageError */
function readStuckAfter(value: string | boolean | undefined): number {
  const milliseconds = parseDuration(String(value ?? '2s'))
  if (typeof milliseconds === 'number' && milliseconds >= 0) return milliseconds
  throw new UsageError(`invalid value "${value}" for flag -stuck-after: not a duration`)
}

/** `-dns.port` and `-p` are one setting; the last counts. @throws UsageError */
function readPort(args: readonly string[], values: Record<string, string | boolean | undefined>): number {
  const last = args.findLast((word) => /^--?(dns\.port|p)(=|$)/.test(word))
  const name = last && /^--?p(=|$)/.test(last) ? 'p' : 'dns.port'
  const value = String(values[name] ?? values['p'] ?? 53)
  if (!/^\d{1,5}$/.test(value) || Number(value) > 0xffff) {
    throw new UsageError(`invalid value "${value}" for flag -${name}: not a port number`)
  }
  return Number(value)
}
