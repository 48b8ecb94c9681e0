/** What a stream server knows of its connections, whatever is spoken on them. */
import type { Socket } from 'node:net'
import type { SocketClock } from './clock.ts'

/** Milliseconds that a connection which brought nothing yet has for its first message when the server closes. */
export const LAST_CALL = 500

export interface End {
  readonly address: string
  readonly port: number
}

/** The two ends of a connection. */
export interface Ends {
  /** The client; behind a proxy that says so, the one that the proxy speaks for. */
  readonly peer: End
  readonly local: End
}

/** One connection at work. It may be cut when it is idle and another one needs its place, or past a deadline. */
export interface Connection {
  /** Requests received whose answer is not settled. */
  readonly pending: number
  /** Monotonic milliseconds at which something came in or went out last. */
  readonly lastActive: number
  /** Cuts the connection when it is past a deadline. */
  checkDeadlines(now: number): void
  /** Takes no more requests and closes the connection once all answers are written, without waiting for the client to end its side. */
  leave(): void
  destroy(): void
}

/** What holds for all connections of a server and may change at any time. */
export interface ConnectionSettings {
  /**
   * Milliseconds: for the first message to be there as a whole and for any later one once it has begun; for written octets to be taken by
   * the client; for a later message to begin.
   */
  timeouts: { read: number; write: number; idle: number }
  /** Messages that a connection may bring; -1 is unlimited. */
  maxQueries: number
}

/**
 * A bound that a connection has met:
 * - `evicted`: it was closed to make room for another, or not taken because there was none;
 * - `paused`: it is not read from for a while, because answers wait to be made or taken;
 * and for which it was cut:
 * - `read`: something did not come in time: the first message, the rest of one, a handshake;
 * - `write`: the client did not take its answers in time;
 * - `requests`: too many were open at a time;
 * - `frames`: what came is no HTTP/2, or more of it than is good: resets, headers, memory.
 */
export type Bound = 'evicted' | 'paused' | 'read' | 'write' | 'requests' | 'frames'

/** The server as its connections see it. */
export interface ConnectionServer {
  readonly settings: ConnectionSettings
  /** A bound was met. */
  met(bound: Bound): void
}

/** What a connection needs besides its stream. */
export interface ConnectionParts {
  ends: Ends
  clock: SocketClock
  /** Its current settings are the server's. */
  server: ConnectionServer
}

/** Begins to speak with a client. The stream is clear: TLS is taken off already. */
export type Converse = (stream: Socket, parts: ConnectionParts) => Connection
