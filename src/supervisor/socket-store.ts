import type { SocketHandle } from '../net/shared-sockets.ts'

/** A process that uses sockets. */
export interface SocketUser {
  /** Answers what it has asked with {@link SocketStore.take}: without a handle it is to open the socket. */
  give(id: number, handle: SocketHandle | undefined): void
}

interface Entry {
  handle: SocketHandle | undefined
  /** How often each process has taken it and not released it. */
  users: Map<SocketUser, number>
  /** Opens it at the moment. */
  opener: SocketUser | undefined
  waiting: { user: SocketUser; id: number }[]
}

function createEntry(): Entry {
  return { handle: undefined, users: new Map(), opener: undefined, waiting: [] }
}

/**
 * Open sockets by name. It never reads from them: they are there so that what came in stays in the kernel while no worker lives, and so
 * that several workers read from the same one. A socket whose users have died is kept until {@link sweep}.
 */
export class SocketStore {
  readonly #entries = new Map<string, Entry>()

  get names(): string[] {
    return [...this.#entries.keys()]
  }

  take(user: SocketUser, id: number, name: string): void {
    const entry = this.#entries.get(name) ?? createEntry()
    this.#entries.set(name, entry)
    entry.waiting.push({ user, id })
    this.#serve(name, entry)
  }

  /** A socket that `user` was to open. */
  keep(user: SocketUser, name: string, handle: SocketHandle): void {
    const entry = this.#entries.get(name)
    if (entry?.opener !== user) {
      handle.close()
      return
    }
    entry.opener = undefined
    entry.handle = handle
    entry.users.set(user, 1)
    this.#serve(name, entry)
  }

  /** `user` could not open it; the next who waits may try. */
  forgo(user: SocketUser, name: string): void {
    const entry = this.#entries.get(name)
    if (entry?.opener !== user) return
    entry.opener = undefined
    this.#serve(name, entry)
  }

  /** The socket is closed when nobody uses it any more. */
  release(user: SocketUser, name: string): void {
    const entry = this.#entries.get(name)
    const count = entry?.users.get(user)
    if (!entry || count === undefined) return
    if (count > 1) entry.users.set(user, count - 1)
    else entry.users.delete(user)
    if (entry.users.size === 0) this.#close(name, entry)
  }

  /** A process has ended; what it had used stays open. */
  leave(user: SocketUser): void {
    for (const [name, entry] of this.#entries) {
      entry.users.delete(user)
      entry.waiting = entry.waiting.filter((each) => each.user !== user)
      this.forgo(user, name)
    }
  }

  /** Closes what nobody uses: all who live have what they need. */
  sweep(): void {
    for (const [name, entry] of this.#entries) if (entry.handle && entry.users.size === 0) this.#close(name, entry)
  }

  #serve(name: string, entry: Entry): void {
    while (entry.waiting.length > 0 && !entry.opener) {
      const { user, id } = entry.waiting.shift()!
      if (entry.handle) entry.users.set(user, (entry.users.get(user) ?? 0) + 1)
      else entry.opener = user
      user.give(id, entry.handle)
    }
    if (!entry.handle && !entry.opener) this.#entries.delete(name)
  }

  #close(name: string, entry: Entry): void {
    this.#entries.delete(name)
    entry.handle?.close()
  }
}
