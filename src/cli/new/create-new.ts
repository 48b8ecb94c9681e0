import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { missing, order } from '../../../plugins/order.ts'
import { describeError } from '../../instance/describe-error.ts'
import { UsageError } from '../go-flags.ts'
import { defineSubcommand, HELP } from '../subcommand.ts'
import { pluginFiles } from './plugin-files.ts'

const USAGE = `Usage: corelet new plugin NAME [-dir FOLDER]

Makes a folder NAME, in FOLDER (which must be there) or here, with a plugin that runs at once: its code, test, README, package.json, a Corefile and a plugin.cfg.
Exit status: 0 it is there, 1 it can't be made, 2 wrong use.
`

/** Letters of a name: those of directives, packages and files. */
const NAME = /^[a-z](?:-?[a-z0-9])*$/
const MAX_NAME = 40

interface Request {
  name: string
  /** Where the folder is to be. */
  dir: string
}

/** `corelet new plugin NAME`: makes the folder of a plugin. */
export const createNew = defineSubcommand<Request>({
  usage: USAGE,
  read(args) {
    const { values, positionals } = parseArgs({
      args: args.map((word) => word.replace(/^-(dir|help)\b/, '--$1')),
      allowPositionals: true,
      options: { dir: { type: 'string', default: '.' }, ...HELP },
    })
    if (values.help) return undefined
    const [what, name = '', ...more] = positionals
    if (what !== 'plugin' || name === '' || more.length > 0) throw new UsageError('say what is to be made: plugin NAME')
    return { name, dir: values.dir }
  },
  work({ name, dir }) {
    const folder = join(dir, name)
    const problem = findProblem(name, folder) ?? writeFiles(folder, pluginFiles(name))
    if (problem) {
      process.stderr.write(problem)
      return 1
    }
    process.stdout.write(describe(name, folder))
    return 0
  },
})

/** What keeps a plugin from being made, as text; undefined when nothing does. */
function findProblem(name: string, folder: string): string | undefined {
  if (name.length > MAX_NAME || !NAME.test(name)) {
    return tell(
      'bad-plugin-name',
      `'${name.slice(0, 100)}' is no name of a plugin`,
      'write lower-case letters, digits and hyphens, such as rate-limit',
    )
  }
  if (order.some(([each]) => each === name) || missing.includes(name)) {
    return tell(
      'plugin-name-taken',
      `'${name}' is the name of a plugin of corelet or CoreDNS`,
      'a Corefile must mean the same everywhere: take another name',
    )
  }
  if (existsSync(folder))
    return tell('folder-exists', `${folder} is there already`, 'take another name or -dir; nothing was changed')
  return undefined
}

/** @returns why they can't be written */
function writeFiles(folder: string, files: ReadonlyMap<string, string>): string | undefined {
  try {
    mkdirSync(folder)
    for (const [path, text] of files) writeFileSync(join(folder, path), text, { flag: 'wx' })
    return undefined
  } catch (error) {
    return tell(
      'folder-not-written',
      describeError(error),
      'FOLDER must be there, and you must be allowed to write to it',
    )
  }
}

function tell(code: string, message: string, hint: string): string {
  return `${message} [${code}]\n  hint: ${hint}\n`
}

function describe(name: string, folder: string): string {
  const files = [...pluginFiles(name).keys()].map((path) => `  ${join(folder, path)}\n`).join('')
  return `${files}
Run it:   corelet -conf ${join(folder, 'Corefile')} -dns.port 1053
Ask it:   dig @127.0.0.1 -p 1053 example.org TXT
Test it:  cd ${folder} && npm install && npm test

What you change in ${join(folder, 'index.ts')} is live a moment later.
`
}
