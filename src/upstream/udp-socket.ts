import { RCODES, TC } from '../dns/constants.ts'
import { copyOctets } from '../dns/octets.ts'
import type { ConnectedUdp, ConnectedUdpEvents } from '../net/connected-socket.ts'
import { connectUdp } from '../net/connected-udp.ts'
import { describeError, ExchangeFailure } from './failure.ts'
import type { Carrier, Pending, Result } from './pending.ts'
import { type Mismatch, readAnswer } from './question.ts'
import { randomId } from './random.ts'
import { Table } from './table.ts'
import type { Target } from './target.ts'

/** Wrong messages after which a query leaves UDP: somebody may be guessing (RFC 5452 §9.3). */
const MISMATCH_LIMIT = 5
/** Ids of queries without an answer that are remembered: an answer that comes late is no forgery. */
const LATE_LIMIT = 1024
/** Queries that timed out last: an answer to one of them is still of use. They hold much memory when an upstream is mute. */
const TIMED_OUT_LIMIT = 64

/** A late answer with another rcode is no better than to go on. */
const FINAL: ReadonlySet<number> = new Set([RCODES.NOERROR, RCODES.NXDOMAIN])

export interface UdpSocketEvents {
  mismatch(reason: Mismatch): void
}

/**
 * One UDP socket connected to an upstream: the kernel drops what others send to it. It is open when the constructor returns, on
 * a port of the kernel's choice, and survives all errors.
 */
export class UdpSocket implements Carrier, ConnectedUdpEvents {
  readonly openedAt: number
  lastUsed: number
  readonly #socket: ConnectedUdp
  readonly #events: UdpSocketEvents
  readonly #table = new Table<Pending>()
  readonly #late = new Set<number>()
  readonly #timedOut: Pending[] = []
  #timedOutCount = 0
  #retired: (() => void) | undefined

  /** @throws Error of the system, when there is no free file descriptor for example */
  constructor(target: Target, sourceAddress: string | undefined, now: number, events: UdpSocketEvents) {
    this.openedAt = this.lastUsed = now
    this.#events = events
    const { address, port } = target
    this.#socket = connectUdp({ address, port, sourceAddress, events: this })
  }

  /** Queries wait in it to leave together. */
  get isCollecting(): boolean {
    return this.#socket.isCollecting
  }

  send(pending: Pending, now: number): void {
    const { packet } = pending.question
    this.lastUsed = now
    let id = randomId()
    while (this.#table.get(id)) id = (id + 1) & 0xffff
    packet[0] = id >> 8
    packet[1] = id & 0xff
    pending.key = id
    pending.carrier = this
    this.#table.add(pending)
    this.#socket.send(packet)
  }

  release(pending: Pending, result: Result): void {
    this.#table.delete(pending)
    if (result instanceof ExchangeFailure) this.#expectLate(pending, result)
    this.#closeWhenDone()
  }

  /** Closes it when the queries that are out on it are through, and then calls `closed`. */
  retire(closed: () => void): void {
    this.#retired = closed
    this.#closeWhenDone()
  }

  receive(packet: Uint8Array): void {
    const id = packet.length < 12 ? -1 : idOf(packet)
    const pending = this.#table.get(id)
    if (!pending) {
      if (this.#late.delete(id)) this.#receiveLate(id, packet)
      else this.#mismatch(id < 0 ? 'short' : 'id', this.#table.values())
      return
    }
    const answer = readAnswer(pending.question, copyOctets(packet))
    if (typeof answer === 'string') this.#mismatch(answer, [pending])
    else pending.settle(answer)
  }

  #receiveLate(id: number, packet: Uint8Array): void {
    const pending = this.#timedOut.find(({ key }) => key === id)
    const answer = pending && readAnswer(pending.question, copyOctets(packet))
    if (answer && typeof answer !== 'string' && FINAL.has(answer.scan.rcode) && !(answer.scan.flags & TC)) {
      pending.arrive(answer)
    }
  }

  #mismatch(reason: Mismatch, targets: Iterable<Pending>): void {
    this.#events.mismatch(reason)
    for (const pending of targets) {
      if (++pending.mismatches < MISMATCH_LIMIT) continue
      pending.settle(new ExchangeFailure('mismatch', `${pending.mismatches} answers that do not belong to the query`))
    }
  }

  #expectLate(pending: Pending, { kind }: ExchangeFailure): void {
    if (this.#late.size === LATE_LIMIT) this.#late.clear()
    this.#late.add(pending.key)
    if (kind === 'timeout') this.#timedOut[this.#timedOutCount++ % TIMED_OUT_LIMIT] = pending
  }

  unsent(packet: Uint8Array, error: Error): void {
    this.#table.get(idOf(packet))?.settle(toFailure(error))
  }

  failed(error: Error): void {
    for (const pending of this.#table.values()) pending.settle(toFailure(error))
  }

  #closeWhenDone(): void {
    if (!this.#retired || this.#table.size > 0) return
    const closed = this.#retired
    this.#retired = undefined
    this.#socket.close()
    closed()
  }
}

function idOf(packet: Uint8Array): number {
  return (packet[0]! << 8) | packet[1]!
}

function toFailure(error: Error): ExchangeFailure {
  return new ExchangeFailure('network', describeError(error))
}
