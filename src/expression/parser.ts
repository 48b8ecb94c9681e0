import { ExpressionError } from './errors.ts'
import { type Token, tokenize } from './lexer.ts'
import type { Node } from './syntax.ts'

/** Longest expression in characters, how deep its parts may be nested, and how many operators and members it may have. */
export const MAX_LENGTH = 10_000
const MAX_DEPTH = 100
const MAX_OPERATORS = 1000

/** Strength of binary operators; those on the right of `RIGHT` bind from the right. */
const BINARY: Record<string, number> = {
  '|': 0,
  or: 10,
  '||': 10,
  and: 15,
  '&&': 15,
  '==': 20,
  '!=': 20,
  '<': 20,
  '>': 20,
  '<=': 20,
  '>=': 20,
  in: 20,
  matches: 20,
  contains: 20,
  startsWith: 20,
  endsWith: 20,
  '..': 25,
  '+': 30,
  '-': 30,
  '*': 60,
  '/': 60,
  '%': 60,
  '**': 100,
  '^': 100,
  '??': 500,
}
const RIGHT = new Set(['**', '^'])
const UNARY: Record<string, number> = { not: 50, '!': 50, '+': 90, '-': 90 }
/** Operators that `not` may stand before. */
const NEGATABLE = new Set(['in', 'matches', 'contains', 'startsWith', 'endsWith'])
const COMPARISONS = new Set(['<', '>', '<=', '>='])
/** One spelling for each operator. */
const SAME: Record<string, string> = { or: '||', and: '&&', not: '!', '^': '**' }
const LITERALS = new Map<string, null | boolean>([
  ['true', true],
  ['false', false],
  ['nil', null],
])

/** Names that mean something to the language itself. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  ...LITERALS.keys(),
  ...Object.keys(BINARY).filter((word) => /^\w/.test(word)),
  'not',
  'let',
  'if',
  'else',
])

/** Reads an expression. @throws ExpressionError */
export function parseExpression(text: string): Node {
  if (text.length > MAX_LENGTH) throw new ExpressionError(`longer than ${MAX_LENGTH} characters`, 0)
  return new Parser(tokenize(text)).parse()
}

class Parser {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0
  #operatorCount = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  parse(): Node {
    const node = this.#expression(0)
    if (this.#token.kind !== 'end') this.#unexpected()
    return node
  }

  get #token(): Token {
    return this.#tokens[this.#next]!
  }

  #is(text: string): boolean {
    return this.#token.text === text && (this.#token.kind === 'operator' || this.#token.kind === 'name')
  }

  #skip(text: string): boolean {
    if (!this.#is(text)) return false
    this.#next++
    return true
  }

  #expect(text: string): void {
    if (!this.#skip(text)) this.#unexpected()
  }

  #unexpected(): never {
    const { kind, text, at } = this.#token
    throw new ExpressionError(kind === 'end' ? 'unexpected end' : `unexpected token ${text}`, at)
  }

  #expression(strength: number): Node {
    if (++this.#depth > MAX_DEPTH) throw new ExpressionError('nested too deep', this.#token.at)
    let node: Node
    if (strength === 0 && this.#is('let')) node = this.#let()
    else if (strength === 0 && this.#is('if')) node = this.#if()
    else node = this.#operators(this.#prefix(), strength)
    if (strength === 0) node = this.#conditional(node)
    this.#depth--
    return node
  }

  #operators(left: Node, strength: number): Node {
    let node = left
    for (;;) {
      const negated = this.#is('not') && NEGATABLE.has(this.#tokens[this.#next + 1]!.text)
      const { text: word, kind, at } = this.#tokens[this.#next + (negated ? 1 : 0)]!
      if ((kind !== 'operator' && kind !== 'name') || !Object.hasOwn(BINARY, word)) return node
      const power = BINARY[word]!
      if (power < strength) return node
      this.#count(at)
      this.#next += negated ? 2 : 1
      if (word === '|') {
        node = this.#pipe(node)
        continue
      }
      const right = this.#expression(RIGHT.has(word) ? power : power + 1)
      node = joinComparison(node, { kind: 'binary', operator: SAME[word] ?? word, left: node, right, at })
      if (negated) node = { kind: 'unary', operator: '!', operand: node, at }
    }
  }

  /** What stands in a row is nested on the left, so that rows are bounded too. */
  #count(at: number): void {
    if (++this.#operatorCount > MAX_OPERATORS) throw new ExpressionError(`more than ${MAX_OPERATORS} operators`, at)
  }

  #conditional(test: Node): Node {
    const { at } = this.#token
    if (this.#skip('?:')) return { kind: 'conditional', test, yes: test, no: this.#expression(0), at }
    if (!this.#skip('?')) return test
    const yes = this.#expression(0)
    this.#expect(':')
    return { kind: 'conditional', test, yes, no: this.#expression(0), at }
  }

  #let(): Node {
    const { at } = this.#token
    this.#next++
    const name = this.#name()
    this.#expect('=')
    const value = this.#expression(0)
    this.#expect(';')
    return { kind: 'let', name, value, body: this.#expression(0), at }
  }

  #if(): Node {
    const { at } = this.#token
    this.#next++
    const test = this.#expression(0)
    const yes = this.#braces()
    this.#expect('else')
    const no = this.#is('if') ? this.#if() : this.#braces()
    return { kind: 'conditional', test, yes, no, at }
  }

  #braces(): Node {
    this.#expect('{')
    const node = this.#expression(0)
    this.#expect('}')
    return node
  }

  #name(): string {
    const { kind, text } = this.#token
    if (kind !== 'name' || text.startsWith('#') || KEYWORDS.has(text)) this.#unexpected()
    this.#next++
    return text
  }

  #prefix(): Node {
    const { kind, text, at } = this.#token
    if ((kind === 'operator' || kind === 'name') && Object.hasOwn(UNARY, text)) {
      this.#next++
      const operand = this.#expression(UNARY[text]!)
      return this.#postfix({ kind: 'unary', operator: SAME[text] ?? text, operand, at })
    }
    return this.#postfix(this.#primary())
  }

  #primary(): Node {
    const { kind, text, at } = this.#token
    this.#next++
    if (kind === 'string') return { kind: 'literal', value: text, at }
    if (kind === 'number') return readNumber(text, at)
    if (kind === 'name') {
      const literal = LITERALS.get(text)
      if (literal !== undefined) return { kind: 'literal', value: literal, at }
      if (!KEYWORDS.has(text)) {
        return this.#skip('(')
          ? { kind: 'call', name: text, args: this.#list(')'), at }
          : { kind: 'name', name: text, at }
      }
    }
    if (text === '(' && kind === 'operator') {
      const inner = this.#expression(0)
      this.#expect(')')
      return inner
    }
    if (text === '[' && kind === 'operator') return { kind: 'array', items: this.#list(']'), at }
    if (text === '{' && kind === 'operator') return this.#mapOrPredicate(at)
    // `.field` in a predicate is a field of its element
    if (text === '.' && kind === 'operator') {
      return { kind: 'member', object: { kind: 'name', name: '#', at }, name: this.#name(), optional: false, at }
    }
    this.#next--
    this.#unexpected()
  }

  /** `{ # > 1 }` is the expression in it; `{}` and what has keys is a map. */
  #mapOrPredicate(at: number): Node {
    const key = this.#tokens[this.#next]!
    const isKey = key.kind === 'name' || key.kind === 'string' || key.kind === 'number'
    const follower = this.#tokens[this.#next + 1]
    const isMap = this.#is('}') || this.#is('(') || (isKey && follower?.kind === 'operator' && follower.text === ':')
    if (!isMap) {
      const inner = this.#expression(0)
      this.#expect('}')
      return inner
    }
    const entries: [Node, Node][] = []
    while (!this.#skip('}')) {
      const { kind, text, at: place } = this.#token
      let name: Node
      if (this.#skip('(')) {
        name = this.#expression(0)
        this.#expect(')')
      } else {
        if (kind !== 'name' && kind !== 'string' && kind !== 'number') this.#unexpected()
        this.#next++
        name = { kind: 'literal', value: text, at: place }
      }
      this.#expect(':')
      entries.push([name, this.#expression(0)])
      if (!this.#is('}')) this.#expect(',')
    }
    return { kind: 'map', entries, at }
  }

  /** Expressions up to a closing bracket; a comma may stand behind the last. */
  #list(close: string): Node[] {
    const items: Node[] = []
    while (!this.#skip(close)) {
      items.push(this.#expression(0))
      if (!this.#is(close)) this.#expect(',')
    }
    return items
  }

  #postfix(start: Node): Node {
    let node = start
    for (;;) {
      const { at } = this.#token
      if (this.#is('.') || this.#is('?.') || this.#is('[')) this.#count(at)
      const optional = this.#skip('?.')
      if (optional && this.#skip('[')) node = this.#index(node, true, at)
      else if (optional || this.#skip('.')) node = this.#member(node, optional, at)
      else if (this.#skip('[')) node = this.#index(node, false, at)
      else return node
    }
  }

  #member(object: Node, optional: boolean, at: number): Node {
    const { kind, text } = this.#token
    if (kind !== 'name' || text.startsWith('#')) this.#unexpected()
    this.#next++
    if (this.#skip('(')) return { kind: 'method', object, name: text, optional, args: this.#list(')'), at }
    return { kind: 'member', object, name: text, optional, at }
  }

  #index(object: Node, optional: boolean, at: number): Node {
    if (this.#skip(':')) return this.#slice(object, undefined, at)
    const index = this.#expression(0)
    if (this.#skip(':')) return this.#slice(object, index, at)
    this.#expect(']')
    return { kind: 'index', object, index, optional, at }
  }

  #slice(object: Node, from: Node | undefined, at: number): Node {
    const to = this.#is(']') ? undefined : this.#expression(0)
    this.#expect(']')
    return { kind: 'slice', object, from, to, at }
  }

  /** `x | f(y)` is `f(x, y)`. */
  #pipe(first: Node): Node {
    const { at } = this.#token
    const name = this.#name()
    this.#expect('(')
    return this.#postfix({ kind: 'call', name, args: [first, ...this.#list(')')], at })
  }
}

function readNumber(text: string, at: number): Node {
  const value = Number(text)
  const float = !/^0[xXoObB]/.test(text) && /[.eE]/.test(text)
  if (!float && !Number.isSafeInteger(value)) throw new ExpressionError('integer literal is too large', at)
  return { kind: 'literal', value, at, ...(float && { float: true }) }
}

/** `a < b < c` is `a < b && b < c`. */
function joinComparison(left: Node, node: Node & { kind: 'binary' }): Node {
  if (!COMPARISONS.has(node.operator)) return node
  const last = left.kind === 'binary' && left.operator === '&&' ? left.right : left
  if (last.kind !== 'binary' || !COMPARISONS.has(last.operator)) return node
  return { kind: 'binary', operator: '&&', left, right: { ...node, left: last.right }, at: node.at }
}
