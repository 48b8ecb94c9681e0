import { unlinkSync, writeFileSync } from 'node:fs'
import { missing, order } from '../../plugins/order.ts'
import { renderText } from '../corefile/render.ts'
import { describeError } from '../instance/describe-error.ts'
import { systemFiles } from '../instance/files.ts'
import { ConfigurationError, Instance } from '../instance/instance.ts'
import { listInterfaces } from '../instance/interfaces.ts'
import { ModuleLoader } from '../instance/module-loader.ts'
import { createLog, type LineFormat, type Log } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { corefileReader } from './corefile-source.ts'
import { type RunFlags, readRunFlags } from './run-flags.ts'
import { trapSignals } from './signals.ts'
import { zoneLines } from './startup-lines.ts'
import { trapStrayErrors } from './stray-errors.ts'
import { banner, readBuild } from './version.ts'

/** `corelet`: runs the server until a signal ends the process. */
export async function run(args: readonly string[]): Promise<void> {
  const flags = readRunFlags(args)
  if ('exitCode' in flags) {
    process.stderr.write(flags.text)
    process.exitCode = flags.exitCode
    return
  }
  if (flags.version) return print(...banner())
  if (flags.plugins) return print(...order.map(([name]) => name).sort(), '')
  await serve(flags)
}

async function serve(flags: RunFlags): Promise<void> {
  const metrics = createMetrics(readBuild())
  const log = createLog({ metrics, ...(await formatOf(flags)) })
  const removePidfile = () => flags.pidfile !== '' && removeFile(flags.pidfile)
  const exit = async (code: number) => {
    removePidfile()
    await log.flush()
    process.exit(code)
  }
  const signals = trapSignals(log, exit)
  try {
    const instance = await Instance.start({
      files: systemFiles,
      env: process.env,
      dnsPort: flags.dnsPort,
      builtIns: { order, missing },
      loader: new ModuleLoader(),
      interfaces: listInterfaces,
      readCorefile: corefileReader(flags.conf, flags.dnsPort),
      log,
      metrics,
      exit: () => void exit(1),
      onOpen: ({ sites }) => {
        if (!flags.quiet) for (const line of zoneLines(sites)) log.print(line)
      },
    })
    signals.serve(instance)
    trapStrayErrors(instance, log)
    if (flags.pidfile !== '') writePidfile(flags.pidfile, log)
    if (!flags.quiet) for (const line of banner()) log.print(line)
    if (flags.hint) for (const line of hintLines(instance)) log.print(line)
  } catch (error) {
    await log.flush()
    process.stderr.write(describeFailure(error))
    process.exit(1)
  }
}

async function formatOf({ logFormat }: RunFlags): Promise<{ format?: LineFormat }> {
  if (logFormat === 'text') return {}
  const { jsonFormat } = await import('../observe/log-json.ts')
  return { format: await jsonFormat() }
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

function writePidfile(path: string, log: Log): void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 })
  } catch (error) {
    log.line('error', `Could not write pidfile: ${(error as Error).message}`)
  }
}

function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Whoever removed it has done the work.
  }
}

function print(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}
