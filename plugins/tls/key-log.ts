import { createWriteStream, type WriteStream } from 'node:fs'
import type { Logger } from 'corelet/plugin'

/** Octets that may wait to be written; lines beyond are left out. */
const MAX_WAITING = 1 << 20

/** A file with the secrets of TLS connections, in NSS's format, which lets a tool such as Wireshark read them. */
export class KeyLog {
  readonly #stream: WriteStream

  constructor(path: string, log: Logger) {
    log.warning(`keylog is on: whoever reads ${path} can decrypt all connections`)
    this.#stream = createWriteStream(path, { flags: 'a', mode: 0o600 })
    this.#stream.on('error', (error) => log.error(`keylog: ${error.message}`))
  }

  /** Appends a line. */
  readonly write = (line: Buffer): void => {
    if (this.#stream.writable && this.#stream.writableLength < MAX_WAITING) this.#stream.write(line)
  }

  close(): void {
    this.#stream.end()
  }
}
