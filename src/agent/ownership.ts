import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds to wait for another agent that changes things; one that takes longer hangs. */
const LOCK_TIMEOUT = 10_000
const LOCK_INTERVAL = 20

/** Where the kernel lists the Unix sockets of the network that a process is in. */
const SOCKETS = '/proc/self/net/unix'
/** What names of sockets begin with that say where queries are led. */
const LEADS = 'corelet-leads/'

/** That an agent uses an address. */
export interface Claim {
  /** Unlike all other agents' in this network. */
  id: string
  link: string
  address: string
  /** Name of the socket in the abstract namespace. */
  socket: string
}

/**
 * Who uses the link and the rules of a node. Each agent holds a Unix socket for each of its addresses, with a name in the abstract namespace.
 * That namespace belongs to the network, as link and rules do: agents see each other whatever their file systems and process ids are, and the
 * kernel strikes one off when it dies.
 */
export class Ownership {
  readonly #linkName: string
  readonly #prefix: string
  readonly #id = randomBytes(4).toString('hex')
  readonly #sockets: Server[] = []
  readonly #leads: Server[] = []

  /** @param linkName agents with other links have nothing to do with us */
  constructor(linkName: string) {
    this.#linkName = linkName
    this.#prefix = `corelet/${linkName}/`
  }

  /** Says to the others that we use these addresses, and whoever connects what `describe` says. */
  async claim(addresses: readonly string[], describe: () => string = () => ''): Promise<void> {
    for (const address of addresses) {
      this.#sockets.push(await listen(`${this.#prefix}${this.#id}/${address}`, describe))
    }
  }

  /** Says to the others that queries to these addresses are led to us, or not any more. */
  async lead(addresses: readonly string[]): Promise<void> {
    await Promise.all(this.#leads.splice(0).map(close))
    for (const address of addresses) {
      this.#leads.push(await listen(`${LEADS}${this.#linkName}/${this.#id}/${address}`))
    }
  }

  /** Addresses that other living agents have queries led to them for, each once. */
  async leaders(): Promise<string[]> {
    const names = (await readFile(SOCKETS, 'latin1')).split('\n').flatMap((line) => line.split(` @${LEADS}`)[1] ?? [])
    const leads = names.map((name) => name.split('/'))
    const others = leads.filter(([link, id]) => link === this.#linkName && id !== this.#id)
    return [...new Set(others.flatMap(([, , address]) => address ?? []))]
  }

  /** Addresses that other living agents use, each once. */
  async others(): Promise<string[]> {
    const claims = await readClaims()
    const others = claims.filter(({ id, socket }) => id !== this.#id && socket.startsWith(this.#prefix))
    return [...new Set(others.map(({ address }) => address))]
  }

  /** We use them no more. */
  async release(): Promise<void> {
    await Promise.all([...this.#sockets.splice(0), ...this.#leads.splice(0)].map(close))
  }

  /** Does what no other agent may do at the same time. One that hangs holds nobody up for ever. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const lock = await this.#lock()
    try {
      return await work()
    } finally {
      if (lock) await close(lock)
    }
  }

  async #lock(): Promise<Server | undefined> {
    const end = performance.now() + LOCK_TIMEOUT
    while (performance.now() < end) {
      try {
        return await listen(`${this.#prefix}lock`)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
        await sleep(LOCK_INTERVAL)
      }
    }
    return undefined
  }
}

/** The claims of all agents in this network. */
export async function readClaims(): Promise<Claim[]> {
  const names = (await readFile(SOCKETS, 'latin1')).matchAll(/ @(corelet\/([^/\s]+)\/([^/\s]+)\/(\S+))$/gm)
  const claims = [...names].map(([, socket = '', link = '', id = '', address = '']) => ({ id, link, address, socket }))
  // a connection to the socket has its name, too
  return [...new Map(claims.map((claim) => [claim.socket, claim])).values()]
}

function listen(name: string, describe: () => string = () => ''): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).end(describe()))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path: `\0${name}` }, () => {
      server.unref()
      resolve(server)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
