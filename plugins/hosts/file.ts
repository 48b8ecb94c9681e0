/** The hosts file: read at the start, looked at again at an interval. */
import { readFile, stat } from 'node:fs/promises'
import { devNull } from 'node:os'
import type { PluginContext, Timer } from 'corelet/plugin'
import type { HostsTable } from './table.ts'

/** Lines taken in before queries get their turn. */
const LINES_AT_A_TIME = 2000

export interface HostsFileOptions {
  path: string
  /** Milliseconds between two looks at the file; 0 looks only once. */
  reload: number
  createTable(): HostsTable
  /** @param modified the file's modification time in seconds since 1970 */
  onRead(table: HostsTable, modified: number): void
}

export class HostsFile {
  table: HostsTable
  readonly #options: HostsFileOptions
  readonly #log: PluginContext['log']
  #modified = -1
  #size = -1
  #busy = false
  #closed = false
  #failure = ''
  #timer: Timer | undefined

  private constructor(options: HostsFileOptions, log: PluginContext['log']) {
    this.#options = options
    this.#log = log
    this.table = options.createTable()
  }

  /** Reads the file and begins to watch it. @throws (rejects) when it is there but can't be reached */
  static async open(
    options: HostsFileOptions,
    { clock, log }: Pick<PluginContext, 'clock' | 'log'>,
  ): Promise<HostsFile> {
    const file = new HostsFile(options, log)
    try {
      await file.#read()
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') log.warning(`File does not exist: ${options.path}`)
      else throw new Error(`unable to access hosts file '${options.path}': ${message}`)
      file.#failure = message
    }
    if (options.reload > 0) file.#timer = clock.interval(options.reload, () => void file.#look())
    return file
  }

  /** Ends the watch; what is being read is not used any more. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  /** Reads the file again if it changed. What was read before stays when that fails. */
  async #look(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    try {
      await this.#read()
      this.#failure = ''
    } catch (error) {
      const { message } = error as Error
      if (message !== this.#failure) this.#log.warning(`keeping the entries read before: ${message}`)
      this.#failure = message
    } finally {
      this.#busy = false
    }
  }

  async #read(): Promise<void> {
    const { path, createTable, onRead } = this.#options
    const found = await stat(path)
    if (found.mtimeMs === this.#modified && found.size === this.#size) return
    const remember = () => {
      this.#modified = found.mtimeMs
      this.#size = found.size
    }
    if (!found.isFile()) {
      remember()
      if (path === devNull) return
      return this.#log.warning(`Hosts file "${path}" is ${found.isDirectory() ? 'a directory' : 'not a regular file'}`)
    }
    const table = createTable()
    const lines = (await readFile(path, 'utf8')).split('\n')
    for (let i = 0; i < lines.length; i++) {
      if (i > 0 && i % LINES_AT_A_TIME === 0) await new Promise<void>((resolve) => setImmediate(resolve))
      table.add(lines[i]!)
    }
    if (this.#closed) return
    remember()
    this.table = table
    this.#log.debug(`Parsed hosts file into ${table.size} entries`)
    onRead(table, found.mtimeMs / 1000)
  }
}
