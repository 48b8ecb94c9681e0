/** Templates of Go's text/template as far as charts use them: text and actions become a tree. What is not known here is an error. */
import { type Token, tokenize } from './tokens.ts'

/** A value given in the template, or looked up. Integers of Go are `bigint`, its floats `number`. */
export type Term =
  | { kind: 'literal'; value: string | bigint | number | boolean | null }
  | { kind: 'dot' }
  | { kind: 'variable'; name: string }
  | { kind: 'function'; name: string }
  | { kind: 'pipeline'; pipeline: Pipeline }
  | { kind: 'field'; of: Term; name: string }

/** The first term is called with the others when it is a function or method. */
export type Command = readonly Term[]

export interface Pipeline {
  /** Variables that get the result: one, or two of a `range`. */
  variables: readonly string[]
  /** Whether they are new (`:=`) or there already (`=`). */
  declares: boolean
  commands: readonly Command[]
}

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'output'; pipeline: Pipeline }
  | { kind: 'if' | 'with' | 'range'; pipeline: Pipeline; body: readonly Node[]; otherwise: readonly Node[] }
  | { kind: 'template'; name: string; pipeline: Pipeline | undefined }
  | { kind: 'break' | 'continue' }

export interface Parsed {
  body: readonly Node[]
  /** Named templates that it defines. */
  defines: ReadonlyMap<string, readonly Node[]>
}

/** @throws Error with file and line */
export function parseTemplate(path: string, text: string): Parsed {
  const parser = new Parser(path, tokenize(path, text))
  const body = parser.list([])
  return { body, defines: parser.defines }
}

class Parser {
  readonly #path: string
  readonly #tokens: readonly Token[]
  #position = 0
  readonly defines = new Map<string, readonly Node[]>()

  constructor(path: string, tokens: readonly Token[]) {
    this.#path = path
    this.#tokens = tokens
  }

  #fail(why: string): never {
    throw new Error(`${this.#path}:${this.#tokens[Math.max(0, this.#position - 1)]?.line ?? 1}: ${why}`)
  }

  #peek(): Token {
    return this.#tokens[this.#position] ?? this.#fail('the template ends in the middle')
  }

  #take(type?: Token['type'], text?: string): Token {
    const token = this.#peek()
    this.#position++
    if ((type !== undefined && token.type !== type) || (text !== undefined && token.text !== text)) {
      this.#fail(`unexpected ${token.type} ${JSON.stringify(token.text)}`)
    }
    return token
  }

  #is(type: Token['type'], text?: string): boolean {
    const token = this.#tokens[this.#position]
    return token?.type === type && (text === undefined || token.text === text)
  }

  /** Nodes up to an action that begins with one of `ends`, which is not taken; with none, to the end of the template. */
  list(ends: readonly string[]): Node[] {
    const nodes: Node[] = []
    while (this.#position < this.#tokens.length) {
      if (this.#is('text')) {
        nodes.push({ kind: 'text', text: this.#take().text })
        continue
      }
      const word = this.#tokens[this.#position + 1]
      if (word?.type === 'word' && ends.includes(word.text)) return nodes
      this.#take('open')
      const node = this.#action()
      if (node) nodes.push(node)
    }
    if (ends.length > 0) this.#fail(`no ${ends.join(' or ')}`)
    return nodes
  }

  #action(): Node | undefined {
    const word = this.#is('word') ? this.#peek().text : ''
    switch (word) {
      case 'if':
      case 'with':
      case 'range':
        this.#take()
        return this.#branch(word)
      case 'define': {
        this.#take()
        const name = this.#take('string').text
        this.#take('close')
        const body = this.list(['end'])
        this.#end()
        this.defines.set(name, body)
        return undefined
      }
      case 'template': {
        this.#take()
        const name = this.#take('string').text
        const pipeline = this.#is('close') ? undefined : this.#pipeline()
        this.#take('close')
        return { kind: 'template', name, pipeline }
      }
      case 'break':
      case 'continue':
        this.#take()
        this.#take('close')
        return { kind: word }
      case 'end':
      case 'else':
      case 'block':
        return this.#fail(`unexpected ${word}`)
    }
    const pipeline = this.#pipeline()
    this.#take('close')
    return { kind: 'output', pipeline }
  }

  #end(): void {
    this.#take('open')
    this.#take('word', 'end')
    this.#take('close')
  }

  /** What follows the word `if`, `with` or `range`. */
  #branch(kind: 'if' | 'with' | 'range'): Node {
    const pipeline = this.#pipeline()
    this.#take('close')
    const body = this.list(['end', 'else'])
    if (this.#tokens[this.#position + 1]?.text === 'end') {
      this.#end()
      return { kind, pipeline, body, otherwise: [] }
    }
    this.#take('open')
    this.#take('word', 'else')
    if (this.#is('word', 'if') || this.#is('word', 'with')) {
      const next = this.#take().text as 'if' | 'with'
      return { kind, pipeline, body, otherwise: [this.#branch(next)] }
    }
    this.#take('close')
    const otherwise = this.list(['end'])
    this.#end()
    return { kind, pipeline, body, otherwise }
  }

  #pipeline(): Pipeline {
    const variables: string[] = []
    let declares = false
    const start = this.#position
    while (this.#is('variable')) {
      variables.push(this.#take().text)
      if (this.#is('symbol', ',')) this.#take()
      else break
    }
    if (variables.length > 0 && (this.#is('symbol', ':=') || this.#is('symbol', '='))) {
      declares = this.#take().text === ':='
    } else {
      variables.length = 0
      this.#position = start
    }
    const commands = [this.#command()]
    while (this.#is('symbol', '|')) {
      this.#take()
      commands.push(this.#command())
    }
    return { variables, declares, commands }
  }

  #command(): Command {
    const terms = [this.#term()]
    while (!this.#is('close') && !this.#is('symbol', '|') && !this.#is('symbol', ')')) {
      if (!this.#peek().spaced) this.#fail('no space between two terms')
      terms.push(this.#term())
    }
    return terms
  }

  #term(): Term {
    let term = this.#operand()
    while (this.#is('field') && !this.#peek().spaced) term = { kind: 'field', of: term, name: this.#take().text }
    return term
  }

  #operand(): Term {
    const { type, text, value } = this.#take()
    switch (type) {
      case 'string':
        return { kind: 'literal', value: text }
      case 'number':
        return { kind: 'literal', value: value! }
      case 'dot':
        return { kind: 'dot' }
      case 'variable':
        return { kind: 'variable', name: text }
      case 'field':
        return { kind: 'field', of: { kind: 'dot' }, name: text }
      case 'word':
        if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true' }
        return text === 'nil' ? { kind: 'literal', value: null } : { kind: 'function', name: text }
      case 'symbol':
        if (text === '(') {
          const pipeline = this.#pipeline()
          this.#take('symbol', ')')
          return { kind: 'pipeline', pipeline }
        }
    }
    return this.#fail(`unexpected ${JSON.stringify(text)}`)
  }
}
