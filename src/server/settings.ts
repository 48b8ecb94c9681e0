import type { ProxySettings } from '../net/proxy-header.ts'
import type { TlsSource } from '../net/tls.ts'

/** What holds for a listener, put together from all blocks that listen on it. */
export interface ListenerSettings {
  /** A throwing handler is not caught. */
  debug: boolean
  /** Classes other than IN reach the chain. */
  anyClass: boolean
  /** Milliseconds; see TcpSettings. */
  timeouts: { read: number; write: number; idle: number }
  /** Queries per TCP connection; -1 is unlimited. */
  maxTcpQueries: number
  /** Octets of a UDP answer, whatever the client says it takes; at least 512. */
  maxUdpSize: number
  /** Queries that wait for a plugin at a time, and octets that they may hold; beyond either, what would have to wait gets SERVFAIL. */
  maxInFlight: number
  maxInFlightOctets: number
  /** TCP connections in all and for each client address. */
  maxConnections: number
  maxPerClient: number
  /** HTTPS connections in all. */
  maxHttpsConnections: number
  /** gRPC connections in all, and calls that each may have open. */
  maxGrpcConnections: number
  maxGrpcStreams: number
  /** How it identifies itself; clear text when undefined. */
  tls?: TlsSource | undefined
  /** The proxies that clients come through. */
  proxy?: ProxySettings | undefined
}

/** UDP answers up to this size are not fragmented on any path in use (RFC 9715 §3.1). */
export const MAX_UDP_SIZE = 1232

export const DEFAULT_SETTINGS: ListenerSettings = {
  debug: false,
  anyClass: false,
  timeouts: { read: 3000, write: 5000, idle: 10_000 },
  maxTcpQueries: -1,
  maxUdpSize: MAX_UDP_SIZE,
  maxInFlight: 20_000,
  maxInFlightOctets: 32 << 20,
  maxConnections: 2048,
  maxPerClient: 512,
  maxHttpsConnections: 200,
  maxGrpcConnections: 200,
  maxGrpcStreams: 256,
}
