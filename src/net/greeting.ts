import type { Socket } from 'node:net'
import type { SocketClock } from './clock.ts'
import type { Connection, ConnectionServer } from './connection.ts'

/** A connection on which nothing can be asked yet: the client still has to shake hands, or its proxy to say who it is. */
export class Greeting implements Connection {
  readonly pending = 0
  readonly lastActive: number
  readonly #socket: Socket
  readonly #server: Pick<ConnectionServer, 'met'>
  readonly #patience: () => number

  /** @param patience milliseconds that it may take as a whole */
  constructor(socket: Socket, clock: SocketClock, server: Pick<ConnectionServer, 'met'>, patience: () => number) {
    this.#socket = socket
    this.#server = server
    this.#patience = patience
    this.lastActive = clock.monotonic()
  }

  checkDeadlines(now: number): void {
    if (this.#socket.destroyed || now <= this.lastActive + this.#patience()) return
    this.#server.met('read')
    this.destroy()
  }

  /** It may come to its end; what follows is told to leave, too. */
  leave(): void {}

  destroy(): void {
    this.#socket.destroy()
  }
}
