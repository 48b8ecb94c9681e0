import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { ClientAuth, ListenerTls, PluginContext, Timer, TlsIdentity } from 'corelet/plugin'

export const CLIENT_AUTH = ['nocert', 'request', 'require', 'verify_if_given', 'require_and_verify'] as const

export interface CertificateFiles {
  cert: string
  key: string
  ca: string | undefined
  clientAuth: ClientAuth
}

type Context = Pick<PluginContext, 'block' | 'log' | 'clock'>

/** Milliseconds between looks at the files. */
const INTERVAL = 5000

/** A certificate in files that is read again when they change. */
export class Certificate {
  /** Where listeners look it up. */
  readonly shown: { -readonly [K in keyof ListenerTls]: ListenerTls[K] }
  readonly #files: CertificateFiles
  readonly #keylog: TlsIdentity['keylog']
  readonly #context: Context
  /** What was read last, good or bad. */
  #read: readonly (string | undefined)[] = []
  #failure: string | undefined
  #timer: Timer | undefined
  #looking = false

  constructor(files: CertificateFiles, shown: Certificate['shown'], keylog: TlsIdentity['keylog'], context: Context) {
    this.#files = files
    this.shown = shown
    this.#keylog = keylog
    this.#context = context
  }

  /** Reads the files and looks at them now and then from now on. @throws (rejects) Error when they are no good */
  async start(): Promise<void> {
    await this.#load()
    this.#timer = this.#context.clock.interval(INTERVAL, () => void this.look())
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** Looks at the files: a renewed certificate is shown from the next connection on; a bad one is told of once, and the old one stays. */
  async look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    const { log } = this.#context
    try {
      if (await this.#load()) log.info(`Reloaded the certificate ${this.#files.cert}`)
      this.#failure = undefined
    } catch (error) {
      const { message } = error as Error
      if (message !== this.#failure) log.error(`the certificate stays as it was: ${message}`)
      this.#failure = message
    } finally {
      this.#looking = false
    }
  }

  /** @returns whether the files have changed */
  async #load(): Promise<boolean> {
    const { cert: certFile, key: keyFile, ca: caFile, clientAuth } = this.#files
    const read = await Promise.all([certFile, keyFile, caFile].map((file) => this.#readFile(file)))
    if (this.shown.current && read.every((text, i) => text === this.#read[i])) return false
    const [cert = '', key = '', ca] = read
    try {
      createSecureContext({ cert, key, ca })
    } catch (error) {
      throw new Error(`${certFile} and ${keyFile} are no certificate and its key: ${(error as Error).message}`)
    }
    this.#read = read
    this.shown.current = { cert, key, ca, clientAuth, ticketKeys: randomBytes(48), keylog: this.#keylog }
    return true
  }

  async #readFile(file: string | undefined): Promise<string | undefined> {
    return file === undefined ? undefined : await readFile(resolve(this.#context.block.settings.root, file), 'utf8')
  }
}
