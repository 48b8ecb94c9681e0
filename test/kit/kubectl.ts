/** A kubectl that answers from a table and writes down what it was asked. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * What a cluster answers: output by a pattern of the shell for the whole command line, the first that fits. `!` before an output makes the
 * command fail with it. What fits nothing gets empty output, as `--ignore-not-found` does.
 */
export type Answers = Readonly<Record<string, string>>

export interface ScriptResult {
  code: number | null
  stdout: string
  stderr: string
  /** Command lines, in order. */
  calls: string[]
  /** What was applied. */
  applied: string
}

/** Runs a script with it. */
export function runWithKubectl(script: string, args: readonly string[], answers: Answers): ScriptResult {
  const folder = mkdtempSync(join(tmpdir(), 'kubectl-'))
  const [stub, calls, applied] = ['kubectl', 'calls', 'applied'].map((name) => join(folder, name))
  try {
    const cases = Object.entries(answers).map(([pattern, output]) => {
      const [fails, text] = output.startsWith('!') ? [true, output.slice(1)] : [false, output]
      return `  ${pattern.replace(/[^\w*]/g, '\\$&')})\n    cat <<'OUTPUT'\n${text}\nOUTPUT\n    ${fails ? 'exit 1' : ''} ;;\n`
    })
    const apply = `  apply*) cat >'${applied}' ;;\n`
    writeFileSync(stub!, `#!/bin/sh\nprintf '%s\\n' "$*" >>'${calls}'\ncase "$*" in\n${cases.join('')}${apply}esac\n`)
    chmodSync(stub!, 0o755)
    const env = { PATH: process.env['PATH'], KUBECTL: stub }
    const { status, stdout, stderr } = spawnSync(script, args, { encoding: 'utf8', env, input: '', timeout: 30_000 })
    const readIfThere = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '')
    const called = readIfThere(calls!)
      .split('\n')
      .filter((line) => line !== '')
    return { code: status, stdout, stderr, calls: called, applied: readIfThere(applied!) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
