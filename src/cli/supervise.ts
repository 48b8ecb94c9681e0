/** The program of the supervisor. It loads as little as it can: what it takes comes on top of what the server takes. */
import { readFileSync } from 'node:fs'
import type { Diagnostic } from '../corefile/model.ts'
import { createLog, type LineFormat } from '../observe/log.ts'
import { LogSink, openOutput } from '../observe/log-sink.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import { removePidfile, writePidfile } from './pidfile.ts'
import { programFile } from './program.ts'
import { type RunFlags, readRunFlags } from './run-flags.ts'
import { V8_FLAGS, WORKER_ENVIRONMENT } from './v8-flags.ts'

/** Milliseconds that a worker gets for what is to happen at once. */
const FORCE = 1000

async function supervise(args: readonly string[]): Promise<void> {
  const flags = readRunFlags(args)
  if ('exitCode' in flags) throw new Error(flags.text)
  const log = createLog(await formatOf(flags))
  const errors = new LogSink(openOutput(2), () => {})
  for (const warning of flags.warnings) log.warning(warning)
  // a supervisor without an agent has no memory for one
  const node =
    flags.agent &&
    (await (
      await import('./node.ts')
    ).openNode(flags.agent, log, {
      check: async (corefile) => ((await supervisor.ask(corefile)) ?? []) as readonly Diagnostic[],
      reload: () => supervisor.signal('SIGUSR1'),
    }))
  const supervisor = new Supervisor({
    // SIGUSR1 is to start no debugger in a worker that does not handle it yet
    command: [process.execPath, ...V8_FLAGS, '--disable-sigusr1', programFile('main'), ...args],
    env: { ...WORKER_ENVIRONMENT, ...process.env, ...node?.env },
    input: flags.conf === 'stdin' ? readFileSync(0, 'utf8') : '',
    stuckAfter: flags.stuckAfter,
    log: (level, text) => log.line(level, text),
    stderr: (chunk) => errors.write(chunk),
    onServing() {
      writePidfile(flags.pidfile, log)
      void node?.agent.serving()
    },
    onFailing(failing) {
      if (failing) log.line('error', 'No worker lives long enough to serve')
      else log.line('info', 'A worker serves again')
      void (failing ? node?.agent.failing() : node?.agent.serving())
    },
    metrics: () => node?.families(),
    async exit(code) {
      // a worker may have begun to serve after the signal
      removePidfile(flags.pidfile)
      await node?.agent.end()
      await Promise.all([log.flush(), errors.flush(1000)])
      process.exit(code)
    },
  })
  const end = async (signal: NodeJS.Signals) => {
    removePidfile(flags.pidfile)
    await node?.agent.leave()
    supervisor.end(signal, signal === 'SIGQUIT' ? FORCE : undefined)
  }
  let interrupted = false
  process.on('SIGTERM', () => void end('SIGTERM'))
  process.on('SIGQUIT', () => void end('SIGQUIT'))
  process.on('SIGINT', () => {
    if (!interrupted) {
      interrupted = true
      void end('SIGINT')
      return
    }
    // twice, since it may have had none yet: the second one ends it with status 2
    supervisor.signal('SIGINT')
    supervisor.end('SIGINT', FORCE)
  })
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
    process.on(signal, () => supervisor.signal(signal))
  }
  process.on('SIGHUP', () => {})
  try {
    await node?.agent.prepare()
  } catch (error) {
    await node?.agent.end()
    await log.flush()
    throw error
  }
  // whatever goes wrong from now on is no reason to let go of the server
  process.on('uncaughtException', (error) => log.line('error', `Supervisor: ${describe(error)}`))
  supervisor.start()
}

function describe(error: unknown): string {
  return error instanceof Error ? String(error.stack) : String(error)
}

async function formatOf({ logFormat }: RunFlags): Promise<{ format?: LineFormat }> {
  if (logFormat === 'text') return {}
  const { jsonFormat } = await import('../observe/log-json.ts')
  return { format: await jsonFormat() }
}

if (import.meta.main) await supervise(process.argv.slice(2))
