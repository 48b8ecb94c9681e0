import { ExecutionError } from './errors.ts'
import { FUNCTIONS } from './functions.ts'
import { parseTemplate } from './parser.ts'
import type { Block, Command, Node, Operand, Pipeline } from './syntax.ts'
import { Fields, isTrue, print, typeName, type Value } from './values.ts'

/** Characters that a template may give, and parts that it may evaluate. */
export const MAX_OUTPUT = 65_536
const MAX_STEPS = 20_000

/** A template that is ready to be filled in. */
export class Template {
  readonly source: string
  readonly #nodes: readonly Node[]

  /** @throws TemplateError */
  constructor(source: string) {
    this.source = source
    this.#nodes = parseTemplate(source)
  }

  /** @throws ExecutionError */
  execute(data: Value): string {
    const run = new Run(data)
    run.nodes(this.#nodes, data)
    return run.output
  }
}

/** How a list of nodes ended. */
type Flow = 'on' | 'break' | 'continue'

class Run {
  output = ''
  /** The innermost last. */
  readonly #variables: { name: string; value: Value }[]
  #steps = 0

  constructor(data: Value) {
    this.#variables = [{ name: '$', value: data }]
  }

  nodes(nodes: readonly Node[], dot: Value): Flow {
    for (const node of nodes) {
      this.#step()
      if (node.kind === 'text') this.#write(node.text)
      else if (node.kind === 'break' || node.kind === 'continue') return node.kind
      else if (node.kind === 'action') {
        const value = this.#pipeline(node.pipeline, dot)
        if (node.pipeline.variables.length === 0) this.#write(print(value))
      } else {
        const flow = this.#block(node, dot)
        if (flow !== 'on') return flow
      }
    }
    return 'on'
  }

  #step(): void {
    if (++this.#steps > MAX_STEPS) throw new ExecutionError(`more than ${MAX_STEPS} steps`)
  }

  #write(text: string): void {
    if (this.output.length + text.length > MAX_OUTPUT) throw new ExecutionError(`more than ${MAX_OUTPUT} characters`)
    this.output += text
  }

  #block({ kind, pipeline, body, otherwise }: Block, dot: Value): Flow {
    const scope = this.#variables.length
    let flow: Flow = 'on'
    if (kind === 'range') flow = this.#range(pipeline, body, otherwise, dot)
    else {
      const value = this.#pipeline(pipeline, dot)
      flow = isTrue(value) ? this.nodes(body, kind === 'with' ? value : dot) : this.nodes(otherwise, dot)
    }
    this.#variables.length = scope
    return flow
  }

  #range(pipeline: Pipeline, body: readonly Node[], otherwise: readonly Node[], dot: Value): Flow {
    const entries = entriesOf(this.#commands(pipeline.commands, dot))
    const scope = this.#variables.length
    let empty = true
    for (const [key, value] of entries) {
      empty = false
      this.#step()
      const { variables, declares } = pipeline
      const values = variables.length === 2 ? [key, value] : [value]
      for (const [i, name] of variables.entries()) this.#set(name, values[i], declares)
      const flow = this.nodes(body, value)
      this.#variables.length = scope
      if (flow === 'break') break
    }
    return empty ? this.nodes(otherwise, dot) : 'on'
  }

  #set(name: string, value: Value, declares: boolean): void {
    const known = declares ? undefined : this.#variables.findLast((each) => each.name === name)
    if (known) known.value = value
    else this.#variables.push({ name, value })
  }

  #pipeline(pipeline: Pipeline, dot: Value): Value {
    const value = this.#commands(pipeline.commands, dot)
    for (const name of pipeline.variables) this.#set(name, value, pipeline.declares)
    return value
  }

  #commands(commands: readonly Command[], dot: Value): Value {
    let value: Value
    for (const [i, command] of commands.entries()) value = this.#command(command, dot, i === 0 ? [] : [value])
    return value
  }

  /** @param last the value of the command before, which becomes the last argument */
  #command([first, ...rest]: Command, dot: Value, last: Value[]): Value {
    this.#step()
    const lazy = () => rest.map((arg) => this.#operand(arg, dot))
    if (first!.kind === 'function') return this.#call(first!.name, rest, dot, last)
    if (first!.kind === 'field') {
      const target = this.#field(first!, dot)
      if (typeof target === 'function') return target(...lazy(), ...last)
      if (rest.length + last.length > 0)
        throw new ExecutionError(`${first!.name} has arguments but cannot be invoked as function`)
      return target
    }
    if (rest.length + last.length > 0) throw new ExecutionError("can't give argument to non-function")
    return this.#operand(first!, dot)
  }

  #call(name: string, operands: readonly Operand[], dot: Value, last: Value[]): Value {
    const { min, max, call } = FUNCTIONS[name]!
    const count = operands.length + last.length
    if (count < min || count > max) {
      throw new ExecutionError(
        `wrong number of args for ${name}: want ${min === max ? min : `at least ${min}`} got ${count}`,
      )
    }
    if (name === 'and' || name === 'or') return this.#choose(name, operands, dot, last)
    const value = call(...operands.map((operand) => this.#operand(operand, dot)), ...last)
    if (typeof value === 'string' && value.length > MAX_OUTPUT) {
      throw new ExecutionError(`more than ${MAX_OUTPUT} characters`)
    }
    return value
  }

  /** The first argument that decides; those behind it are not evaluated. */
  #choose(name: 'and' | 'or', operands: readonly Operand[], dot: Value, last: Value[]): Value {
    let value: Value
    for (const operand of operands) {
      value = this.#operand(operand, dot)
      if (isTrue(value) === (name === 'or')) return value
    }
    return last.length > 0 ? last[0] : value
  }

  #operand(operand: Operand, dot: Value): Value {
    this.#step()
    switch (operand.kind) {
      case 'dot':
        return dot
      case 'nil':
        return null
      case 'value':
        return operand.value
      case 'variable':
        return this.#variables.findLast(({ name }) => name === operand.name)!.value
      case 'function':
        return this.#call(operand.name, [], dot, [])
      case 'pipeline':
        return this.#commands(operand.pipeline.commands, dot)
      case 'field': {
        const value = this.#field(operand, dot)
        return typeof value === 'function' ? value() : value
      }
    }
  }

  #field({ of, name }: Operand & { kind: 'field' }, dot: Value): Value {
    const object = this.#operand(of, dot)
    if (object instanceof Fields) return object.get(name)
    throw new ExecutionError(`can't evaluate field ${name} in type ${typeName(object)}`)
  }
}

/** What `range` goes through: lists, maps in the order of their keys, and numbers below a number. */
function* entriesOf(value: Value): Generator<[Value, Value]> {
  if (Array.isArray(value)) {
    for (const [i, each] of value.entries()) yield [i, each]
  } else if (value instanceof Fields && value.isMap) {
    for (const key of Object.keys(value.values).sort()) yield [key, value.get(key)]
  } else if (Number.isInteger(value)) {
    for (let i = 0; i < (value as number); i++) yield [i, i]
  } else if (value !== undefined && value !== null) {
    throw new ExecutionError(`range can't iterate over ${typeName(value)}`)
  }
}
