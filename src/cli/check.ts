import { parseArgs } from 'node:util'
import { missing, order } from '../../plugins/order.ts'
import { renderJson, renderText } from '../corefile/render.ts'
import { describeError } from '../instance/describe-error.ts'
import { systemFiles } from '../instance/files.ts'
import { listInterfaces } from '../instance/interfaces.ts'
import { loadConfiguration } from '../instance/load.ts'
import { ModuleLoader } from '../instance/module-loader.ts'
import { corefileReader } from './corefile-source.ts'

const USAGE = `Usage: corelet check FILE [--format text|json] [--dns-port N] [--builtin-plugins-only]

Reads a Corefile as the server would, starts nothing, and prints what is wrong with it.
FILE may be stdin. Exit status: 0 no errors, 1 errors, 2 wrong use.
`

/** `corelet check`: prints the diagnostics of a Corefile. @returns the exit status */
export async function check(args: readonly string[]): Promise<number> {
  const request = readArguments(args)
  if (typeof request === 'string') {
    process.stderr.write(`${request}\n${USAGE}`)
    return 2
  }
  if (request.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const { file, format, dnsPort } = request
  try {
    const { diagnostics, sources } = await loadConfiguration(corefileReader(file, dnsPort)(), {
      files: systemFiles,
      env: process.env,
      dnsPort,
      builtIns: { order, missing, only: request.builtinPluginsOnly },
      loader: new ModuleLoader(),
      interfaces: listInterfaces,
    })
    process.stdout.write(format === 'json' ? renderJson(diagnostics) : renderText(diagnostics, sources))
    return diagnostics.some(({ severity }) => severity === 'error') ? 1 : 0
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`)
    return 1
  }
}

interface Request {
  file: string
  format: 'text' | 'json'
  dnsPort: number
  help: boolean
  builtinPluginsOnly: boolean
}

/** What was asked for, or what is wrong with it. */
function readArguments(args: readonly string[]): Request | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        format: { type: 'string', default: 'text' },
        'dns-port': { type: 'string', default: '53' },
        'builtin-plugins-only': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const { format, help } = values
    const dnsPort = Number(values['dns-port'])
    if (format !== 'text' && format !== 'json') return `unknown format: ${format}`
    if (!Number.isInteger(dnsPort) || dnsPort < 0 || dnsPort > 0xffff) return `invalid port: ${values['dns-port']}`
    const [file = '', ...more] = positionals
    if (!help && (file === '' || more.length > 0)) return 'one FILE is needed'
    return { file, format, dnsPort, help, builtinPluginsOnly: values['builtin-plugins-only'] }
  } catch (error) {
    return (error as Error).message
  }
}
