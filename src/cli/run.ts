import { flushCompileCache } from 'node:module'
import { missing, order } from '../../plugins/order.ts'
import { PROBE_VARIABLE } from '../agent/probe.ts'
import { renderText } from '../corefile/render.ts'
import { describeError } from '../instance/describe-error.ts'
import { systemFiles } from '../instance/files.ts'
import { ConfigurationError, Instance } from '../instance/instance.ts'
import { listInterfaces } from '../instance/interfaces.ts'
import type { CorefileText } from '../instance/load.ts'
import { ModuleLoader } from '../instance/module-loader.ts'
import type { BuiltIns } from '../instance/plugin-catalog.ts'
import { createLog, type LineFormat } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { SupervisorLink } from '../supervisor/link.ts'
import { serveAgentMetrics } from './agent-metrics.ts'
import { corefileReader } from './corefile-source.ts'
import { joinOthers } from './join-others.ts'
import { listPlugins } from './list-plugins.ts'
import { removePidfile, writePidfile } from './pidfile.ts'
import { processesOf } from './processes.ts'
import type { RunFlags } from './run-flags.ts'
import { trapSignals } from './signals.ts'
import { zoneLines } from './startup-lines.ts'
import { trapStrayErrors } from './stray-errors.ts'
import { banner, readBuild } from './version.ts'

/** Lets the process go on as a supervisor of several; `input` is what was read from standard input. */
type BecomeSupervisor = (input: string | undefined) => Promise<never>

/** `corelet`: runs the server until a signal ends the process. */
export async function run(flags: RunFlags, becomeSupervisor: BecomeSupervisor): Promise<void> {
  if (flags.version) return print(...banner())
  if (flags.plugins) return showPlugins(flags)
  await serve(flags, becomeSupervisor)
}

async function serve(flags: RunFlags, becomeSupervisor: BecomeSupervisor): Promise<void> {
  const metrics = createMetrics(readBuild())
  const log = createLog({ metrics, ...(await formatOf(flags)) })
  const link = SupervisorLink.open()
  const pidfile = link ? '' : flags.pidfile
  const quiet = flags.quiet || link?.settings.first === false
  const exit = async (code: number) => {
    removePidfile(pidfile)
    await log.flush()
    process.exit(code)
  }
  const signals = trapSignals(log, exit, () => link?.leave())
  if (link) joinOthers(link, metrics, log)
  try {
    const readCorefile = corefileReader(flags.conf, flags.dnsPort)
    const instance = await Instance.start({
      files: systemFiles,
      env: process.env,
      dnsPort: flags.dnsPort,
      builtIns: builtInsOf(flags),
      loader: new ModuleLoader(),
      interfaces: listInterfaces,
      readCorefile,
      log,
      metrics,
      shared: link,
      probe: takeProbe(),
      exit: () => void exit(1),
      async onLoad(configuration) {
        if (link || processesOf(configuration) === 1) return
        await becomeSupervisor(flags.conf === 'stdin' ? readCorefile().text : undefined)
      },
      onOpen: ({ sites }) => {
        if (!quiet) for (const line of zoneLines(sites)) log.print(line)
      },
      onTakeOver({ configuration }) {
        const processes = processesOf(configuration)
        if (link) link.serving(processes)
        else if (processes > 1) log.line('warning', 'multisocket comes into effect when the server is started again')
      },
    })
    signals.serve(instance)
    if (link) link.events = { ...link.events!, answer: (question) => instance.check(question as CorefileText) }
    if (flags.agent) await serveAgentMetrics(flags.agent.metricsAddress, metrics, link, log)
    trapStrayErrors(instance, log)
    await link?.written()
    writePidfile(pidfile, log)
    if (!quiet) for (const line of banner()) log.print(line)
    if (flags.hint && !quiet) for (const line of hintLines(instance)) log.print(line)
    flushCompileCache()
  } catch (error) {
    await log.flush()
    process.stderr.write(describeFailure(error))
    process.exit(1)
  }
}

function showPlugins(flags: RunFlags): void {
  const { names, problems } = listPlugins(flags.conf || 'Corefile', builtInsOf(flags))
  print(...names, '')
  process.stderr.write(problems)
  process.exitCode = problems === '' ? 0 : 1
}

function builtInsOf({ builtinPluginsOnly }: RunFlags): BuiltIns {
  return { order, missing, only: builtinPluginsOnly }
}

async function formatOf({ logFormat }: RunFlags): Promise<{ format?: LineFormat }> {
  if (logFormat === 'text') return {}
  const { jsonFormat } = await import('../observe/log-json.ts')
  return { format: await jsonFormat() }
}

/** What the agent told this process by {@link PROBE_VARIABLE}; nobody who is started by it needs to know. */
function takeProbe(): string | undefined {
  const probe = process.env[PROBE_VARIABLE]
  delete process.env[PROBE_VARIABLE]
  return probe
}

function describeFailure(error: unknown): string {
  if (error instanceof ConfigurationError) return renderText(error.diagnostics, error.sources)
  return `${describeError(error)}\n`
}

/** What to type to try the server. */
function hintLines({ sites }: Instance): string[] {
  const [site] = sites
  if (!site) return []
  const { address, port } = site.listener
  const host = ['', '0.0.0.0', '::'].includes(address) ? '127.0.0.1' : address
  return [`try: dig @${host} -p ${port} example.org`]
}

function print(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}
