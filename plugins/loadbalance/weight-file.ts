import { readFile } from 'node:fs/promises'
import type { PluginContext, Timer } from 'corelet/plugin'
import { parseWeights, type Weights } from './weights.ts'

/** A weight file that is read at the start and looked at again at an interval. */
export class WeightFile {
  weights: Weights = new Map()
  readonly #path: string
  readonly #log: PluginContext['log']
  #text: string | undefined
  #failure = ''
  #timer: Timer | undefined

  private constructor(path: string, log: PluginContext['log']) {
    this.#path = path
    this.#log = log
  }

  /**
   * @param reload milliseconds between two looks; 0 looks only once
   * @throws (rejects) when its content is wrong, or it can't be read and will not be looked at again
   */
  static async open(
    path: string,
    reload: number,
    { clock, log }: Pick<PluginContext, 'clock' | 'log'>,
  ): Promise<WeightFile> {
    const file = new WeightFile(path, log)
    let text: string | undefined
    try {
      text = await readFile(path, 'utf8')
    } catch (error) {
      if (reload === 0) throw error
      log.warning(`Failed to open weight file: ${(error as Error).message}. Will try again in ${reload / 1000} s`)
    }
    if (text !== undefined) file.#take(text)
    if (reload > 0) file.#timer = clock.interval(reload, () => void file.#look())
    return file
  }

  close(): void {
    this.#timer?.cancel()
  }

  #take(text: string): void {
    if (text === this.#text) return
    this.weights = parseWeights(text, this.#path)
    this.#text = text
    this.#failure = ''
  }

  /** Reads it again. What was read before stays when that fails, which is said once. */
  async #look(): Promise<void> {
    try {
      this.#take(await readFile(this.#path, 'utf8'))
    } catch (error) {
      const { message } = error as Error
      if (message !== this.#failure) this.#log.error(message)
      this.#failure = message
    }
  }
}
