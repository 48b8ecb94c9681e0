import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { describeError, ExchangeFailure } from './failure.ts'
import type { Pending } from './pending.ts'
import { type Mismatch, readAnswer } from './question.ts'
import { randomId } from './random.ts'
import { showTarget, type Target } from './target.ts'

/** Wrong messages after which a query leaves UDP: somebody may be guessing (RFC 5452 §9.3). */
const MISMATCH_LIMIT = 5
/** Octets that may wait in the socket for a full network queue. */
const SEND_QUEUE_LIMIT = 65_536
/** Ids of queries without an answer that are remembered: an answer that comes late is no forgery. */
const LATE_LIMIT = 1024

export interface UdpSocketEvents {
  mismatch(reason: Mismatch): void
}

/**
 * One UDP socket connected to an upstream: the kernel drops what others send to it. It is open when the constructor returns, on
 * a port of the kernel's choice, and survives all errors.
 */
export class UdpSocket {
  readonly openedAt: number
  lastUsed: number
  readonly #socket: Socket
  readonly #events: UdpSocketEvents
  readonly #table = new Map<number, Pending>()
  readonly #late = new Set<number>()
  #retired: (() => void) | undefined

  /** @throws Error of the system, when there is no free file descriptor for example */
  constructor(target: Target, sourceAddress: string | undefined, now: number, events: UdpSocketEvents) {
    this.openedAt = this.lastUsed = now
    this.#events = events
    const family = isIPv6(target.address) ? 6 : 4
    this.#socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // addresses need no looking up: without the wait for it the socket is connected at once
      lookup: (host, _options, callback) => callback(null, host, family),
    })
    let opening: Error | undefined
    this.#socket.on('error', (error) => {
      opening ??= error
      this.#fail(error)
    })
    this.#socket.on('message', (wire) => this.#receive(wire))
    const any = family === 6 ? '::' : '0.0.0.0'
    this.#socket.bind({ port: 0, address: sourceAddress ?? any, exclusive: true })
    if (!opening) this.#socket.connect(target.port, target.address)
    try {
      this.#socket.remoteAddress()
    } catch {
      this.#socket.close()
      throw opening ?? new Error(`UDP connect to ${showTarget(target)} failed`)
    }
  }

  send(pending: Pending, now: number): void {
    const { packet } = pending.question
    if (this.#socket.getSendQueueSize() > SEND_QUEUE_LIMIT) {
      pending.settle(new ExchangeFailure('network', 'the send queue is full'))
      return
    }
    this.lastUsed = now
    let id = randomId()
    while (this.#table.has(id)) id = (id + 1) & 0xffff
    const wire = Buffer.from(packet)
    wire[0] = id >> 8
    wire[1] = id & 0xff
    pending.id = id
    pending.table = this.#table
    pending.released = (result) => {
      if (result instanceof ExchangeFailure) this.#expectLate(id)
      this.#closeWhenDone()
    }
    this.#table.set(id, pending)
    this.#socket.send(wire, (error) => {
      if (error && pending.table === this.#table) pending.settle(toFailure(error))
    })
  }

  /** Closes it when the queries that are out on it are through, and then calls `closed`. */
  retire(closed: () => void): void {
    this.#retired = closed
    this.#closeWhenDone()
  }

  #receive(wire: Buffer): void {
    const id = wire.length < 12 ? -1 : wire.readUInt16BE()
    const pending = this.#table.get(id)
    if (!pending) {
      if (!this.#late.delete(id)) this.#mismatch(id < 0 ? 'short' : 'id', this.#table.values())
      return
    }
    const answer = readAnswer(pending.question, wire)
    if (typeof answer === 'string') this.#mismatch(answer, [pending])
    else pending.settle(answer)
  }

  #mismatch(reason: Mismatch, targets: Iterable<Pending>): void {
    this.#events.mismatch(reason)
    for (const pending of targets) {
      if (++pending.mismatches < MISMATCH_LIMIT) continue
      pending.settle(new ExchangeFailure('mismatch', `${pending.mismatches} answers that do not belong to the query`))
    }
  }

  #expectLate(id: number): void {
    if (this.#late.size === LATE_LIMIT) this.#late.clear()
    this.#late.add(id)
  }

  #fail(error: Error): void {
    for (const pending of [...this.#table.values()]) pending.settle(toFailure(error))
  }

  #closeWhenDone(): void {
    if (!this.#retired || this.#table.size > 0) return
    const closed = this.#retired
    this.#retired = undefined
    this.#socket.close()
    closed()
  }
}

function toFailure(error: Error): ExchangeFailure {
  return new ExchangeFailure('network', describeError(error))
}
