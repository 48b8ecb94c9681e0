/** Runs parsed templates as Go's text/template does, with Helm's options. */
import { FIXED, type Functions, VARIADIC } from './functions.ts'
import type { Command, Node, Parsed, Pipeline, Term } from './template.ts'
import { isTrue, print, type Value, type ValueMap } from './values.ts'

class Break extends Error {}
class Continue extends Error {}

interface Variable {
  name: string
  value: Value
}

/** As many includes within each other as Helm allows. */
const MAX_DEPTH = 1000

export class Runner {
  readonly #templates = new Map<string, readonly Node[]>()
  readonly #functions: Functions
  #depth = 0

  /** @param parse makes a template of a text, for `tpl` */
  constructor(parse: (text: string) => Parsed) {
    this.#functions = {
      ...FIXED,
      include: (name, dot) => this.run(String(name), dot!),
      tpl: (text, dot) => {
        const { body, defines } = parse(String(text))
        this.define(defines)
        return this.#render(body, dot!)
      },
    }
  }

  define(templates: ReadonlyMap<string, readonly Node[]>): void {
    for (const [name, body] of templates) this.#templates.set(name, body)
  }

  /** Output of a named template. @throws Error */
  run(name: string, dot: Value): string {
    const body = this.#templates.get(name)
    if (!body) throw new Error(`no template ${JSON.stringify(name)}`)
    try {
      if (++this.#depth > MAX_DEPTH) throw new Error('too many templates within each other')
      return this.#render(body, dot)
    } catch (error) {
      if (error instanceof Error && !error.message.startsWith('in ')) error.message = `in ${name}: ${error.message}`
      throw error
    } finally {
      this.#depth--
    }
  }

  #render(body: readonly Node[], dot: Value): string {
    // Helm takes away what Go prints for a value that is not there
    return this.#list(body, dot, [{ name: '', value: dot }]).replaceAll('<no value>', '')
  }

  #list(nodes: readonly Node[], dot: Value, scope: Variable[]): string {
    const own = [...scope]
    let output = ''
    for (const node of nodes) {
      switch (node.kind) {
        case 'text':
          output += node.text
          break
        case 'output': {
          const value = this.#pipeline(node.pipeline, dot, own)
          if (node.pipeline.variables.length === 0) output += value === null ? '<no value>' : print(value)
          break
        }
        case 'template':
          output += this.run(node.name, node.pipeline ? this.#pipeline(node.pipeline, dot, own) : null)
          break
        case 'break':
          throw new Break(output)
        case 'continue':
          throw new Continue(output)
        case 'range':
          output += this.#range(node, dot, own)
          break
        default: {
          const inner = [...own]
          const value = this.#pipeline(node.pipeline, dot, inner)
          const within = isTrue(value) && node.kind === 'with' ? value : dot
          output += this.#list(isTrue(value) ? node.body : node.otherwise, within, inner)
        }
      }
    }
    return output
  }

  #range(node: Extract<Node, { pipeline: Pipeline; body: readonly Node[] }>, dot: Value, scope: Variable[]): string {
    const { variables, declares, ...rest } = node.pipeline
    const over = this.#pipeline({ ...rest, variables: [], declares }, dot, scope)
    const entries = entriesOf(over)
    if (entries.length === 0) return this.#list(node.otherwise, dot, scope)
    let output = ''
    for (const [key, value] of entries) {
      const given = variables.length === 2 ? [key, value] : [value]
      const own = variables.map((name, index) => ({ name, value: given[index]! }))
      try {
        output += this.#list(node.body, value, [...scope, ...own])
      } catch (error) {
        if (!(error instanceof Break || error instanceof Continue)) throw error
        output += error.message
        if (error instanceof Break) break
      }
    }
    return output
  }

  #pipeline({ commands, variables, declares }: Pipeline, dot: Value, scope: Variable[]): Value {
    let result: Value | undefined
    for (const command of commands) result = this.#command(command, result, dot, scope)
    const value = result ?? null
    for (const name of variables) {
      if (declares) scope.push({ name, value })
      else find(scope, name).value = value
    }
    return value
  }

  /** @param last result of the command in front of `|` */
  #command([first, ...rest]: Command, last: Value | undefined, dot: Value, scope: Variable[]): Value {
    const given = last === undefined ? [] : [last]
    if (first?.kind !== 'function') {
      const callee = this.#term(first!, dot, scope)
      const args = [...rest.map((term) => this.#argument(term, dot, scope)), ...given]
      if (typeof callee === 'function') return callee(...args)
      if (args.length > 0) throw new Error(`can't give arguments to ${describe(first!)}`)
      return callee
    }
    const { name } = first
    if (name === 'and' || name === 'or') {
      let value: Value | undefined
      for (const term of rest) {
        value = this.#argument(term, dot, scope)
        if (isTrue(value) === (name === 'or')) return value
      }
      return last === undefined ? (value ?? null) : last
    }
    return this.#call(name, [...rest.map((term) => this.#argument(term, dot, scope)), ...given])
  }

  #call(name: string, args: readonly Value[]): Value {
    const fixed = this.#functions[name]
    const call = fixed ?? VARIADIC[name]
    if (!call) throw new Error(`function ${name} is not known here`)
    if (args.length < call.length || (fixed && args.length > call.length)) {
      throw new Error(`${name} takes ${call.length} arguments, not ${args.length}`)
    }
    try {
      return call(...args)
    } catch (error) {
      if (error instanceof Error && name !== 'include' && name !== 'tpl') error.message = `${name}: ${error.message}`
      throw error
    }
  }

  /** A method without arguments is called where its name stands. */
  #argument(term: Term, dot: Value, scope: Variable[]): Value {
    const value = this.#term(term, dot, scope)
    return typeof value === 'function' ? value() : value
  }

  #term(term: Term, dot: Value, scope: Variable[]): Value {
    switch (term.kind) {
      case 'literal':
        return term.value
      case 'dot':
        return dot
      case 'variable':
        return find(scope, term.name).value
      case 'function':
        return this.#call(term.name, [])
      case 'pipeline':
        return this.#pipeline(term.pipeline, dot, scope)
      case 'field':
        return fieldOf(this.#term(term.of, dot, scope), term.name, describe(term))
    }
  }
}

function find(scope: readonly Variable[], name: string): Variable {
  const found = scope.findLast((each) => each.name === name)
  if (!found) throw new Error(`no variable $${name}`)
  return found
}

function fieldOf(value: Value, name: string, path: string): Value {
  if (value === null) throw new Error(`nil pointer evaluating ${path}`)
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(`${path} asks a ${typeof value} for a field`)
  if (Object.hasOwn(value, name)) return value[name]!
  // a map has nothing there; what Helm itself gives has fields that it names
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new Error(`there is no ${path}`)
  return null
}

function entriesOf(over: Value): [Value, Value][] {
  if (over === null) return []
  if (Array.isArray(over)) return over.map((value, index) => [BigInt(index), value])
  if (typeof over === 'object')
    return Object.keys(over)
      .sort()
      .map((key) => [key, (over as ValueMap)[key]!])
  throw new Error(`can't range over a ${typeof over}`)
}

function describe(term: Term): string {
  if (term.kind === 'field') return `${term.of.kind === 'dot' ? '' : describe(term.of)}.${term.name}`
  if (term.kind === 'variable') return `$${term.name}`
  return term.kind === 'function' ? term.name : `(${term.kind})`
}
