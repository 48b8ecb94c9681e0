import { Session } from 'node:inspector/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Clock } from 'corelet/plugin'
import { encodeProfile } from './profile.ts'
import { fromCpuProfile, fromHeapProfile } from './v8-profile.ts'

const compress = promisify(gzip)

/** Microseconds between two samples of the processor. */
const CPU_INTERVAL = 10_000
/** Octets that are allocated between two samples, as in Go: it costs next to nothing. */
const HEAP_INTERVAL = 512 * 1024

/** A process has one profiler, which old and new generation share. */
let shared: ProcessProfiler | undefined

/** Takes profiles of this process by V8's own profilers. What is allocated is sampled from the start, as V8 can't say it afterwards. */
export class ProcessProfiler {
  readonly #session = new Session()
  readonly #started: Promise<void>
  #users = 0
  #busy = false

  private constructor() {
    this.#session.connect()
    this.#started = this.#session
      .post('HeapProfiler.startSampling', { samplingInterval: HEAP_INTERVAL })
      .then(() => undefined)
  }

  /** The profiler at work, started by its first user. */
  static async acquire(): Promise<ProcessProfiler> {
    shared ??= new ProcessProfiler()
    const profiler = shared
    profiler.#users++
    await profiler.#started
    return profiler
  }

  /** One user less; the last one ends all that runs, a profile under way included. */
  release(): void {
    if (--this.#users > 0) return
    shared = undefined
    this.#session.disconnect()
  }

  /** Samples the processor for so many milliseconds; undefined when that is done already for somebody else. */
  async cpu(milliseconds: number, clock: Clock): Promise<Uint8Array | undefined> {
    if (this.#busy) return undefined
    this.#busy = true
    try {
      await this.#session.post('Profiler.enable')
      await this.#session.post('Profiler.setSamplingInterval', { interval: CPU_INTERVAL })
      const time = clock.wall()
      await this.#session.post('Profiler.start')
      await new Promise<void>((resolve) => void clock.timeout(milliseconds, resolve))
      const { profile } = await this.#session.post('Profiler.stop')
      await this.#session.post('Profiler.disable')
      return await compress(encodeProfile(fromCpuProfile(profile, CPU_INTERVAL, time)))
    } finally {
      this.#busy = false
    }
  }

  /** What is in use now. @param collect garbage is collected first, so that none of it is counted */
  async heap(collect: boolean, clock: Clock): Promise<Uint8Array> {
    if (collect) await this.#session.post('HeapProfiler.collectGarbage')
    const { profile } = await this.#session.post('HeapProfiler.getSamplingProfile')
    return compress(encodeProfile(fromHeapProfile(profile, HEAP_INTERVAL, clock.wall())))
  }
}
