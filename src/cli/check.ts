import { parseArgs } from 'node:util'
import { missing, order } from '../../plugins/order.ts'
import { renderJson, renderText } from '../corefile/render.ts'
import { describeError } from '../instance/describe-error.ts'
import { systemFiles } from '../instance/files.ts'
import { listInterfaces } from '../instance/interfaces.ts'
import { loadConfiguration } from '../instance/load.ts'
import { ModuleLoader } from '../instance/module-loader.ts'
import { corefileReader } from './corefile-source.ts'
import { UsageError } from './go-flags.ts'
import { defineSubcommand, HELP } from './subcommand.ts'

const USAGE = `Usage: corelet check FILE [--format text|json] [--dns-port N] [--builtin-plugins-only]

Reads a Corefile as the server would, starts nothing, and prints what is wrong with it.
FILE may be stdin. Exit status: 0 no errors, 1 errors, 2 wrong use.
`

interface Request {
  file: string
  format: 'text' | 'json'
  dnsPort: number
  builtinPluginsOnly: boolean
}

/** `corelet check`: prints the diagnostics of a Corefile. */
export const check = defineSubcommand<Request>({
  usage: USAGE,
  read(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        format: { type: 'string', default: 'text' },
        'dns-port': { type: 'string', default: '53' },
        'builtin-plugins-only': { type: 'boolean', default: false },
        ...HELP,
      },
    })
    const { format, help } = values
    const dnsPort = Number(values['dns-port'])
    if (format !== 'text' && format !== 'json') throw new UsageError(`unknown format: ${format}`)
    if (!Number.isInteger(dnsPort) || dnsPort < 0 || dnsPort > 0xffff)
      throw new UsageError(`invalid port: ${values['dns-port']}`)
    if (help) return undefined
    const [file = '', ...more] = positionals
    if (file === '' || more.length > 0) throw new UsageError('one FILE is needed')
    return { file, format, dnsPort, builtinPluginsOnly: values['builtin-plugins-only'] }
  },
  async work({ file, format, dnsPort, builtinPluginsOnly }) {
    try {
      const { diagnostics, sources } = await loadConfiguration(corefileReader(file, dnsPort)(), {
        files: systemFiles,
        env: process.env,
        dnsPort,
        builtIns: { order, missing, only: builtinPluginsOnly },
        loader: new ModuleLoader(),
        interfaces: listInterfaces,
      })
      process.stdout.write(format === 'json' ? renderJson(diagnostics) : renderText(diagnostics, sources))
      return diagnostics.some(({ severity }) => severity === 'error') ? 1 : 0
    } catch (error) {
      process.stderr.write(`${describeError(error)}\n`)
      return 1
    }
  },
})
