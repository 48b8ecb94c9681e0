/** What a template is made of. */
export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'action'; pipeline: Pipeline }
  | Block
  | { kind: 'break' }
  | { kind: 'continue' }

export interface Block {
  kind: 'if' | 'with' | 'range'
  pipeline: Pipeline
  body: Node[]
  otherwise: Node[]
}

/** Commands that hand their value on; the last value goes to the variables, if there are any. */
export interface Pipeline {
  variables: string[]
  /** `:=` makes them, `=` changes those that are there. */
  declares: boolean
  commands: Command[]
}

/** An operand, and arguments when it is a function or a method. */
export type Command = Operand[]

export type Operand =
  | { kind: 'dot' }
  | { kind: 'nil' }
  | { kind: 'value'; value: string | number | boolean }
  | { kind: 'variable'; name: string }
  | { kind: 'function'; name: string }
  | { kind: 'pipeline'; pipeline: Pipeline }
  | { kind: 'field'; of: Operand; name: string }
