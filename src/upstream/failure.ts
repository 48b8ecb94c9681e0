/**
 * Why an exchange with an upstream failed:
 * - `timeout`: no usable answer in time;
 * - `network`: the socket could not be made, connected or used;
 * - `closed`: a reused connection turned out to be closed; ask again at once;
 * - `mismatch`: too many answers that do not belong to the query, or one over a connection;
 * - `declined`: it was not asked, because too many queries wait already or it has been closed; asking another would not help.
 */
export type FailureKind = 'timeout' | 'network' | 'closed' | 'mismatch' | 'declined'

/** An exchange with an upstream that brought no answer. */
export class ExchangeFailure extends Error {
  override name = 'ExchangeFailure'
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string) {
    super(message)
    this.kind = kind
  }
}
