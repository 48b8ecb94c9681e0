/** A message, name or record that breaks the rules of the protocol. `rcode` is what a server answers to it. */
export class WireError extends Error {
  override name = 'WireError'
  readonly rcode: number

  constructor(message: string, rcode = 1) {
    super(message)
    this.rcode = rcode
  }
}

/** Presentation text (RFC 1035 §5) that can't be read; `column` counts from 0 within the text. */
export class TextError extends Error {
  override name = 'TextError'
  readonly column: number

  constructor(message: string, column = 0) {
    super(message)
    this.column = column
  }
}
