/**
 * Why an exchange with an upstream failed:
 * - `timeout`: no usable answer in time;
 * - `network`: the socket could not be made, connected or used;
 * - `closed`: a reused connection turned out to be closed; ask again at once;
 * - `mismatch`: too many answers that do not belong to the query, or one over a connection;
 * - `declined`: it was not asked, because too many queries wait already or it has been closed; asking another would not help.
 */
export type FailureKind = 'timeout' | 'network' | 'closed' | 'mismatch' | 'declined'

/**
 * How the end of a time-out is told. These words and those of {@link describeError} are Go's: people search logs for them, and the patterns of
 * `errors` look for them.
 */
export const TIMED_OUT = 'i/o timeout'

const UNKNOWN_AUTHORITY = 'certificate signed by unknown authority'

const PHRASES: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  EADDRNOTAVAIL: 'cannot assign requested address',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'no route to host',
  EMFILE: 'too many open files',
  ENETUNREACH: 'network is unreachable',
  EPIPE: 'broken pipe',
  ETIMEDOUT: 'connection timed out',
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
}

/** What went wrong with a socket: `connect: connection refused`. */
export function describeError({ code = '', syscall, message }: NodeJS.ErrnoException): string {
  const phrase = PHRASES[code]
  if (phrase === undefined) return message
  return syscall === undefined ? phrase : `${syscall}: ${phrase}`
}

/** An exchange with an upstream that brought no answer. */
export class ExchangeFailure extends Error {
  override name = 'ExchangeFailure'
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string) {
    super(message)
    this.kind = kind
  }
}
