/** The way of one query: gate, block, chain, last step, answer. */
import { OPCODES, RCODES } from '../dns/constants.ts'
import { isPending } from '../plugin/chain.ts'
import type { Listener } from '../plugin/listener.ts'
import { failOverloaded } from '../plugin/overload.ts'
import type { Query } from '../plugin/query.ts'
import type { Reply } from '../plugin/reply.ts'
import { finishReply } from './finish.ts'
import { admit, type GateVerdict, writeVerdict } from './gate.ts'
import type { RouteTable } from './route.ts'
import type { ListenerSettings } from './settings.ts'

/** What the server tells whoever counts and logs. */
export interface ServerHooks {
  /** The server itself answered with `rcode` before any plugin saw the query, or after one threw; counted with the zone `dropped`. */
  dropped(query: Query, rcode: number): void
  /** A handler threw, rejected, or gave something that can't be sent. */
  panic(query: Query, error: unknown): void
  /** Whether a query that is refused for its opcode asks if this very server is here; it then gets NOERROR. */
  isProbe?(packet: Uint8Array): boolean
  /** Monotonic milliseconds. */
  now(): number
  /** The query would have had to wait, and was failed because too many do. */
  overloaded(query: Query): void
  /** A request over HTTPS was answered with this status. */
  answeredHttp?(listener: Listener, status: number): void
}

/** The way back to the client of one query; a socket's peer is one. */
export interface Sink {
  /** The answer is written to `out` from `offset` on, where 65535 octets have room. */
  readonly out: Uint8Array
  readonly offset: number
  /** Settles the query with the `length` octets that were written; 0 is silence. */
  send(length: number): void
  /** The answer comes later. */
  keep(): void
}

/** Octets that a query takes while it waits, besides its packet: itself, the way back, promises. */
const WAITING = 1024

/** Lookups through the server's own chain that may follow from one another. */
const MAX_DEPTH = 8

/** What was done so far. */
export interface Tally {
  /** Answers, and those among them that were SERVFAIL. */
  answers: number
  failures: number
  /** Milliseconds that queries waited for plugins, in all. */
  waited: number
}

/** Queries that began to wait between two calls of {@link QueryServer.idle}. */
interface Batch {
  waiting: number
  /** Called when none waits any more. */
  done: (() => void)[]
}

/** Serves the queries of a listener. */
export class QueryServer {
  readonly tally: Tally = { answers: 0, failures: 0, waited: 0 }
  settings: ListenerSettings
  /** Queries that wait for a promise of a plugin. */
  inFlight = 0
  /** Octets that these hold, about. */
  #octets = 0
  #routes: RouteTable
  /** The queries that begin to wait now. */
  #batch: Batch = { waiting: 0, done: [] }
  /** Those that someone wants to see the end of. */
  readonly #leaving = new Set<Batch>()
  readonly #hooks: ServerHooks

  constructor(routes: RouteTable, settings: ListenerSettings, hooks: ServerHooks) {
    this.#routes = routes
    this.settings = settings
    this.#hooks = hooks
  }

  /** Queries from now on go by `routes` and `settings`; those in work go on as they are. */
  swap(routes: RouteTable, settings: ListenerSettings): void {
    this.#routes = routes
    this.settings = settings
  }

  /**
   * Fills `query` from `packet`, answers it through `sink`: at once, or when the plugins' promise settles.
   * @returns what the gate says
   */
  serve(packet: Uint8Array, query: Query, sink: Sink): GateVerdict {
    const verdict = admit(packet, query, this.settings)
    if (verdict === 'serve') this.#ask(query, sink)
    else if (verdict === 'refused') this.#fail(query, query.rcode, sink)
    else if (verdict === 'drop') sink.send(0)
    else {
      if (verdict === 'no-question') this.#hooks.dropped(query, query.rcode)
      if (query.opcode === OPCODES.STATUS && this.#hooks.isProbe?.(packet)) query.rcode = RCODES.NOERROR
      sink.send(writeVerdict(verdict, query, sink.out, sink.offset))
    }
    return verdict
  }

  /**
   * Looks something up through the server's own chain, choice of the block included, as if a client had sent `query`. Such lookups may lead
   * to others; a chain that asks itself without end gets SERVFAIL.
   */
  ask(query: Query): Reply | Promise<Reply> {
    if (query.depth >= MAX_DEPTH) return query.fail(RCODES.SERVFAIL, '', `more than ${MAX_DEPTH} lookups for one query`)
    query.depth++
    const chain = this.#routes.find(query)
    return chain ? chain(query) : query.fail(RCODES.REFUSED, '', 'no server block for this name')
  }

  /** Settles when no query waits for a plugin that does now. */
  async idle(): Promise<void> {
    if (this.#batch.waiting > 0) {
      this.#leaving.add(this.#batch)
      this.#batch = { waiting: 0, done: [] }
    }
    await Promise.all([...this.#leaving].map(({ done }) => new Promise<void>((resolve) => void done.push(resolve))))
  }

  #ask(query: Query, sink: Sink): void {
    if (this.#isFull) query.mayWait = false
    let result: Reply | Promise<Reply>
    try {
      const chain = this.#routes.find(query)
      if (!chain) {
        this.#fail(query, RCODES.REFUSED, sink)
        return
      }
      result = chain(query)
    } catch (error) {
      this.#recover(query, error, sink)
      return
    }
    if (!query.mayWait && (isPending(result) || result.kind === 'failure')) this.#turnAway(query, result, sink)
    else if (isPending(result)) this.#wait(query, result, sink)
    else this.#reply(query, result, sink)
  }

  get #isFull(): boolean {
    return this.inFlight >= this.settings.maxInFlight || this.#octets >= this.settings.maxInFlightOctets
  }

  /** @param result what can't be waited for; it may still fill caches */
  #turnAway(query: Query, result: Reply | Promise<Reply>, sink: Sink): void {
    this.#hooks.overloaded(query)
    if (isPending(result)) {
      query.keep()
      result.catch(() => {})
      this.#hooks.dropped(query, RCODES.SERVFAIL)
    }
    this.#reply(query, isPending(result) ? failOverloaded(query, '') : result, sink)
  }

  #wait(query: Query, result: Promise<Reply>, sink: Sink): void {
    query.keep()
    sink.keep()
    const octets = WAITING + query.packet.length
    const batch = this.#batch
    batch.waiting++
    this.inFlight++
    this.#octets += octets
    result.then(
      (reply) => {
        this.#settle(octets, query.received, batch)
        this.#reply(query, reply, sink)
      },
      (error) => {
        this.#settle(octets, query.received, batch)
        this.#recover(query, error, sink)
      },
    )
  }

  #settle(octets: number, received: number, batch: Batch): void {
    this.inFlight--
    this.#octets -= octets
    this.tally.waited += this.#hooks.now() - received
    if (--batch.waiting > 0 || !this.#leaving.delete(batch)) return
    for (const resolve of batch.done) resolve()
  }

  #reply(query: Query, reply: Reply, sink: Sink): void {
    let length: number
    try {
      length = finishReply(query, reply, sink.out, sink.offset, this.settings.maxUdpSize)
    } catch (error) {
      this.#recover(query, error, sink)
      return
    }
    this.#count(reply)
    sink.send(length)
  }

  #count({ rcode }: Reply): void {
    this.tally.answers++
    if (rcode === RCODES.SERVFAIL) this.tally.failures++
  }

  #recover(query: Query, error: unknown, sink: Sink): void {
    if (this.settings.debug) throw error
    this.#hooks.panic(query, error)
    this.#fail(query, RCODES.SERVFAIL, sink)
  }

  /** Answers without the chain. */
  #fail(query: Query, rcode: number, sink: Sink): void {
    this.#hooks.dropped(query, rcode)
    const reply = query.fail(rcode, '', '')
    this.#count(reply)
    sink.send(finishReply(query, reply, sink.out, sink.offset, this.settings.maxUdpSize))
  }
}
