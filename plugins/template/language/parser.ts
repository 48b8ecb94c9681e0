import { TemplateError } from './errors.ts'
import { FUNCTIONS } from './functions.ts'
import { type Part, split, type Token } from './lexer.ts'
import type { Command, Node, Operand, Pipeline } from './syntax.ts'

/** Longest template in characters, and how deep its parts may be nested. */
export const MAX_LENGTH = 65_536
const MAX_DEPTH = 100
/** Fields in a row: `.a.b.c`. */
const MAX_FIELDS = 100

/** Reads a template. @throws TemplateError */
export function parseTemplate(source: string): Node[] {
  if (source.length > MAX_LENGTH) throw new TemplateError(`longer than ${MAX_LENGTH} characters`)
  const parser = new TreeParser(split(source))
  return parser.parse()
}

/** Words that begin or end a part of the tree. */
const BLOCKS = ['if', 'with', 'range']

class TreeParser {
  readonly #parts: readonly Part[]
  /** Variables that are known here, `$` first. */
  readonly #variables = ['$']
  #next = 0
  #depth = 0
  #loops = 0

  constructor(parts: readonly Part[]) {
    this.#parts = parts
  }

  parse(): Node[] {
    const { nodes, end } = this.#list()
    if (end) throw new TemplateError(`unexpected {{${end[0]!.text}}}`)
    return nodes
  }

  /** Nodes up to `end` or `else`, whose tokens are given; undefined at the end of the template. */
  #list(): { nodes: Node[]; end: Token[] | undefined } {
    const nodes: Node[] = []
    while (this.#next < this.#parts.length) {
      const part = this.#parts[this.#next++]!
      if ('text' in part) {
        nodes.push({ kind: 'text', text: part.text })
        continue
      }
      const [first, ...rest] = part.tokens
      if (!first) throw new TemplateError('missing value for command')
      const word = first.kind === 'word' ? first.text : ''
      if (word === 'end' || word === 'else') return { nodes, end: part.tokens }
      if (BLOCKS.includes(word)) nodes.push(this.#block(word as 'if', rest))
      else if (word === 'break' || word === 'continue') nodes.push(this.#jump(word, rest))
      else if (['define', 'template', 'block'].includes(word)) throw new TemplateError(`{{${word}}} is not supported`)
      else nodes.push({ kind: 'action', pipeline: this.#pipeline(part.tokens, 'command') })
    }
    return { nodes, end: undefined }
  }

  #jump(kind: 'break' | 'continue', rest: Token[]): Node {
    if (rest.length > 0) throw new TemplateError(`unexpected ${rest[0]!.text} in {{${kind}}}`)
    if (this.#loops === 0) throw new TemplateError(`{{${kind}}} outside {{range}}`)
    return { kind }
  }

  #block(kind: 'if' | 'with' | 'range', tokens: Token[]): Node {
    if (++this.#depth > MAX_DEPTH) throw new TemplateError('nested too deep')
    const scope = this.#variables.length
    const pipeline = this.#pipeline(tokens, kind)
    if (kind === 'range') this.#loops++
    const { nodes: body, end } = this.#list()
    if (kind === 'range') this.#loops--
    const otherwise = this.#otherwise(kind, end)
    this.#variables.length = scope
    this.#depth--
    return { kind, pipeline, body, otherwise }
  }

  #otherwise(kind: 'if' | 'with' | 'range', end: Token[] | undefined): Node[] {
    if (!end) throw new TemplateError('unexpected EOF')
    const [word, next, ...rest] = end
    if (word!.text === 'end') {
      if (next) throw new TemplateError(`unexpected ${next.text} in end`)
      return []
    }
    if (next) {
      if (next.kind !== 'word' || next.text !== kind || kind === 'range') {
        throw new TemplateError(`unexpected ${next.text} in else`)
      }
      return [this.#block(kind, rest)]
    }
    const { nodes, end: last } = this.#list()
    if (!last) throw new TemplateError('unexpected EOF')
    if (last[0]!.text !== 'end') throw new TemplateError('expected end; found {{else}}')
    return nodes
  }

  #pipeline(tokens: Token[], context: string): Pipeline {
    const words = new Words(tokens)
    const pipeline = this.#readPipeline(words, context)
    if (!words.done) throw new TemplateError(`unexpected ${words.peek!.text} in ${context}`)
    return pipeline
  }

  #readPipeline(words: Words, context: string): Pipeline {
    const { names, declares } = words.takeDeclaration(context === 'range')
    if (!declares) for (const name of names) this.#check(name)
    const commands = [this.#command(words)]
    while (words.take('|')) {
      const command = this.#command(words)
      if (!['function', 'field', 'variable', 'pipeline'].includes(command[0]!.kind)) {
        throw new TemplateError('non executable command in pipeline')
      }
      commands.push(command)
    }
    if (declares) this.#variables.push(...names)
    return { variables: names, declares, commands }
  }

  #command(words: Words): Command {
    const command: Operand[] = []
    while (!words.done && words.peek!.text !== '|' && words.peek!.text !== ')') command.push(this.#operand(words))
    if (command.length === 0) throw new TemplateError('missing value for command')
    return command
  }

  #operand(words: Words): Operand {
    let operand = this.#primary(words)
    for (let count = 1; words.peek?.kind === 'field' && words.peek.glued; count++) {
      if (count >= MAX_FIELDS) throw new TemplateError('nested too deep')
      if (operand.kind === 'value' || operand.kind === 'nil') throw new TemplateError('unexpected . after term')
      operand = { kind: 'field', of: operand, name: words.next().text }
    }
    return operand
  }

  #primary(words: Words): Operand {
    const token = words.next()
    const { kind, text } = token
    switch (kind) {
      case 'string':
        return { kind: 'value', value: text }
      case 'number':
        return { kind: 'value', value: Number(text) }
      case 'field':
        return { kind: 'field', of: { kind: 'dot' }, name: text }
      case 'variable':
        this.#check(text)
        return { kind: 'variable', name: text }
      case 'word':
        if (text === 'true' || text === 'false') return { kind: 'value', value: text === 'true' }
        if (text === 'nil') return { kind: 'nil' }
        if (!Object.hasOwn(FUNCTIONS, text)) throw new TemplateError(`function "${text}" not defined`)
        return { kind: 'function', name: text }
      case 'symbol':
        return this.#symbol(text, words)
    }
  }

  #symbol(text: string, words: Words): Operand {
    if (text === '.') return { kind: 'dot' }
    if (text !== '(') throw new TemplateError(`unexpected "${text}" in operand`)
    if (++this.#depth > MAX_DEPTH) throw new TemplateError('nested too deep')
    const pipeline = this.#readPipeline(words, 'parenthesized pipeline')
    if (!words.take(')')) throw new TemplateError('unclosed left paren')
    this.#depth--
    return { kind: 'pipeline', pipeline }
  }

  #check(name: string): void {
    if (!this.#variables.includes(name)) throw new TemplateError(`undefined variable "${name}"`)
  }
}

/** The tokens of one action. */
class Words {
  readonly #tokens: readonly Token[]
  #next = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get done(): boolean {
    return this.#next >= this.#tokens.length
  }

  get peek(): Token | undefined {
    return this.#tokens[this.#next]
  }

  next(): Token {
    const token = this.#tokens[this.#next++]
    if (!token) throw new TemplateError('missing value for command')
    return token
  }

  take(symbol: string): boolean {
    if (this.peek?.kind !== 'symbol' || this.peek.text !== symbol) return false
    this.#next++
    return true
  }

  /** `$x :=`, `$x =`, and with `pair` `$i, $x :=`. */
  takeDeclaration(pair: boolean): { names: string[]; declares: boolean } {
    const start = this.#next
    const names: string[] = []
    while (this.peek?.kind === 'variable') {
      names.push(this.next().text)
      if (this.take(':=')) return { names, declares: true }
      if (this.take('=')) return { names, declares: false }
      if (!pair || names.length > 1 || !this.take(',')) break
    }
    this.#next = start
    return { names: [], declares: false }
  }
}
