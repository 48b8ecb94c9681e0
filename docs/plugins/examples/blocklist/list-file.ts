import { readFile, stat } from 'node:fs/promises'
import type { PluginContext, Timer } from 'corelet/plugin'
import { readNames } from './names.ts'

/** A list in a file that is read again when it changes. What can't be read leaves the names as they are. */
export class ListFile {
  names: ReadonlySet<string> = new Set()
  readonly #path: string
  readonly #context: Pick<PluginContext, 'log' | 'clock'>
  readonly #onRead: (size: number) => void
  #version = ''
  #timer: Timer | undefined
  #reading = false

  private constructor(path: string, context: Pick<PluginContext, 'log' | 'clock'>, onRead: (size: number) => void) {
    this.#path = path
    this.#context = context
    this.#onRead = onRead
  }

  /** @param reload milliseconds @throws (rejects) when it can't be read */
  static async open(
    path: string,
    reload: number,
    context: Pick<PluginContext, 'log' | 'clock'>,
    onRead: (size: number) => void,
  ): Promise<ListFile> {
    const file = new ListFile(path, context, onRead)
    await file.#read()
    file.#timer = context.clock.interval(reload, () => void file.#look())
    return file
  }

  close(): void {
    this.#timer?.cancel()
  }

  async #look(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      await this.#read()
    } catch (error) {
      this.#context.log.warning(`the list stays as it is: ${(error as Error).message}`)
    } finally {
      this.#reading = false
    }
  }

  async #read(): Promise<void> {
    const { mtimeMs, size, ino } = await stat(this.#path)
    const version = [mtimeMs, size, ino].join()
    if (version === this.#version) return
    const { names, unread } = readNames(await readFile(this.#path, 'utf8'))
    this.names = names
    this.#version = version
    this.#onRead(names.size)
    if (unread > 0) this.#context.log.warning(`${unread} lines of ${this.#path} are no names`)
    this.#context.log.info(`${names.size} names in ${this.#path}`)
  }
}
