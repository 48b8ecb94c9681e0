import { readFileSync } from 'node:fs'
import { isatty } from 'node:tty'
import { defaultCorefile } from '../corefile/default-corefile.ts'
import { systemFiles } from '../instance/files.ts'
import type { CorefileText } from '../instance/load.ts'

/** Name of the Corefile when none is given. */
const DEFAULT_NAME = 'Corefile'

/**
 * How the Corefile is read, at the start and for each reload: the file of `-conf`, standard input (once), `./Corefile`, or the default.
 * @param conf value of the flag, empty when it was not given
 */
export function corefileReader(conf: string, dnsPort: number): () => CorefileText {
  if (conf === 'stdin') {
    const text = isatty(0) ? '' : readFileSync(0, 'utf8')
    return () => ({ file: '/dev/stdin', text })
  }
  if (conf !== '') return () => readGiven(conf)
  return () => {
    const content = systemFiles.readFile(DEFAULT_NAME)
    if ('text' in content) return { file: DEFAULT_NAME, text: content.text }
    if (content.error === 'no such file or directory') return { file: DEFAULT_NAME, text: defaultCorefile(dnsPort) }
    throw new Error(`loading Caddyfile via default: open ${DEFAULT_NAME}: ${content.error}`)
  }
}

function readGiven(file: string): CorefileText {
  const content = systemFiles.readFile(file)
  if ('text' in content) return { file, text: content.text }
  throw new Error(`loading Caddyfile via flag: open ${file}: ${content.error}`)
}
