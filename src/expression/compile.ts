/** From the tree of an expression to a function, with the types checked on the way. */
import { Regex, RegexError } from '../plugin/regex.ts'
import { BUILTINS } from './builtins.ts'
import type { Environment, FunctionDefinition } from './environment.ts'
import { EvaluationError, ExpressionError } from './errors.ts'
import { callMethod, methodType, readMember } from './members.ts'
import { OPERATIONS, resultOf, searchPattern } from './operators.ts'
import { KEYWORDS, parseExpression } from './parser.ts'
import { PREDICATE_BUILTINS, type Predicate } from './predicates.ts'
import { Scope } from './scope.ts'
import type { Node } from './syntax.ts'
import { fits, type Type, typeOf, type Value, type ValueMap } from './values.ts'

/** An expression that is ready to run. */
export interface Expression<Context> {
  /** What its value will be; `any` when that depends. */
  readonly type: Type
  /** @throws EvaluationError when it has no value, or needs more than a bounded number of steps */
  evaluate(context: Context): Value
}

type Run<Context> = (scope: Scope<Context>) => Value

interface Typed<Context> {
  type: Type
  run: Run<Context>
}

/** Reads, checks and compiles an expression. @throws ExpressionError */
export function compileExpression<Context>(text: string, environment: Environment<Context>): Expression<Context> {
  const { type, run } = new Compiler(environment).compile(parseExpression(text))
  return { type, evaluate: (context) => run(new Scope(context)) }
}

/** Whether a name means something already, so that no variable may have it. */
export function isReserved(name: string, environment: Environment<never>): boolean {
  return (
    KEYWORDS.has(name) ||
    Object.hasOwn(BUILTINS, name) ||
    Object.hasOwn(PREDICATE_BUILTINS, name) ||
    Object.hasOwn(environment.functions, name)
  )
}

class Compiler<Context> {
  readonly #environment: Environment<Context>
  /** Names of `let` and elements of predicates, the innermost last. */
  readonly #locals: { name: string; type: Type; slot: number }[] = []
  #slots = 0

  constructor(environment: Environment<Context>) {
    this.#environment = environment
  }

  compile(node: Node): Typed<Context> {
    const { type, run } = this.#node(node)
    return {
      type,
      run(scope) {
        scope.spend(1)
        return run(scope)
      },
    }
  }

  #node(node: Node): Typed<Context> {
    switch (node.kind) {
      case 'literal': {
        const { value, float } = node
        return { type: float ? 'float' : typeOf(value), run: () => value }
      }
      case 'array': {
        const items = node.items.map((item) => this.compile(item).run)
        return { type: 'array', run: (scope) => items.map((item) => item(scope)) }
      }
      case 'map':
        return this.#map(node)
      case 'name':
        return this.#name(node)
      case 'unary':
        return this.#unary(node)
      case 'binary':
        return this.#binary(node)
      case 'conditional':
        return this.#conditional(node)
      case 'let':
        return this.#let(node)
      case 'member':
        return this.#member(node)
      case 'index':
        return this.#index(node)
      case 'slice':
        return this.#slice(node)
      case 'method':
        return this.#method(node)
      case 'call':
        return this.#call(node)
    }
  }

  #map({ entries }: Node & { kind: 'map' }): Typed<Context> {
    const compiled = entries.map(([key, value]) => [this.compile(key).run, this.compile(value).run] as const)
    return {
      type: 'map',
      run(scope) {
        const map: ValueMap = new Map()
        for (const [key, value] of compiled) map.set(String(key(scope)), value(scope))
        return map
      },
    }
  }

  #name({ name, at }: Node & { kind: 'name' }): Typed<Context> {
    const local = this.#locals.findLast((each) => each.name === name)
    if (local) return { type: local.type, run: (scope) => scope.slots[local.slot]! }
    const { variables = {} } = this.#environment
    if (Object.hasOwn(variables, name)) {
      const { type, read } = variables[name]!
      return { type, run: (scope) => read(scope.context) }
    }
    if (name.startsWith('#')) throw new ExpressionError(`${name} outside of a predicate`, at)
    throw new ExpressionError(`unknown name ${name}`, at)
  }

  #unary({ operator, operand, at }: Node & { kind: 'unary' }): Typed<Context> {
    const { type, run } = this.compile(operand)
    const wanted: Type = operator === '!' ? 'bool' : 'float'
    if (!fits(type, wanted) && type !== 'duration') {
      throw new ExpressionError(`invalid operation: ${operator} (mismatched type ${type})`, at)
    }
    if (operator === '!') return { type: 'bool', run: (scope) => !toBool(run(scope)) }
    return {
      type,
      run(scope) {
        const value = run(scope)
        if (typeof value !== 'number') throw new EvaluationError(`${operator} wants a number, not ${typeOf(value)}`)
        return operator === '-' ? -value : value
      },
    }
  }

  #binary(node: Node & { kind: 'binary' }): Typed<Context> {
    const { operator, at } = node
    const left = this.compile(node.left)
    const right = this.compile(node.right)
    if (operator === '??') {
      const type = left.type === right.type ? left.type : 'any'
      return { type, run: (scope) => left.run(scope) ?? right.run(scope) }
    }
    const logical = operator === '&&' || operator === '||'
    const type = logical
      ? fits(left.type, 'bool') && fits(right.type, 'bool') && 'bool'
      : resultOf(operator, left.type, right.type)
    if (!type) {
      throw new ExpressionError(`invalid operation: ${operator} (mismatched types ${left.type} and ${right.type})`, at)
    }
    if (operator === '&&') return { type, run: (scope) => toBool(left.run(scope)) && toBool(right.run(scope)) }
    if (operator === '||') return { type, run: (scope) => toBool(left.run(scope)) || toBool(right.run(scope)) }
    if (operator === 'matches' && node.right.kind === 'literal') {
      const search = searchPattern(toPattern(node.right))
      return { type, run: (scope) => search(left.run(scope), scope) }
    }
    const operate = OPERATIONS[operator]!
    return { type, run: (scope) => operate(left.run(scope), right.run(scope), scope) }
  }

  #conditional(node: Node & { kind: 'conditional' }): Typed<Context> {
    const test = this.compile(node.test)
    if (!fits(test.type, 'bool')) {
      throw new ExpressionError(`non-bool expression (type ${test.type}) used as condition`, node.test.at)
    }
    const yes = this.compile(node.yes)
    const no = this.compile(node.no)
    const type = yes.type === no.type ? yes.type : 'any'
    return { type, run: (scope) => (toBool(test.run(scope)) ? yes : no).run(scope) }
  }

  #let({ name, value, body, at }: Node & { kind: 'let' }): Typed<Context> {
    const taken =
      Object.hasOwn(this.#environment.variables ?? {}, name) || this.#locals.some((each) => each.name === name)
    if (taken || isReserved(name, this.#environment)) throw new ExpressionError(`cannot redeclare ${name}`, at)
    const { type, run } = this.compile(value)
    const slot = this.#slots++
    const inner = this.#with([{ name, type, slot }], body)
    return {
      type: inner.type,
      run(scope) {
        scope.slots[slot] = run(scope)
        return inner.run(scope)
      },
    }
  }

  #with(locals: { name: string; type: Type; slot: number }[], body: Node): Typed<Context> {
    this.#locals.push(...locals)
    const compiled = this.compile(body)
    this.#locals.length -= locals.length
    return compiled
  }

  #member({ object, name, optional, at }: Node & { kind: 'member' }): Typed<Context> {
    const { type, run } = this.compile(object)
    if (!fits(type, 'map') && type !== 'nil') throw new ExpressionError(`type ${type} has no field ${name}`, at)
    return { type: 'any', run: (scope) => readMember(run(scope), name, optional) }
  }

  #index({ object, index, optional, at }: Node & { kind: 'index' }): Typed<Context> {
    const { type, run } = this.compile(object)
    const key = this.compile(index)
    const wanted: Type = type === 'map' ? 'string' : type === 'any' ? 'any' : 'int'
    if (!['map', 'array', 'string', 'any'].includes(type) || !fits(key.type, wanted)) {
      throw new ExpressionError(`type ${type} can't be indexed with ${key.type}`, at)
    }
    return {
      type: type === 'string' ? 'string' : 'any',
      run: (scope) => readMember(run(scope), key.run(scope), optional),
    }
  }

  #slice({ object, from, to, at }: Node & { kind: 'slice' }): Typed<Context> {
    const { type, run } = this.compile(object)
    const first = from && this.compile(from)
    const last = to && this.compile(to)
    const bad = [first, last].some((end) => end && !fits(end.type, 'int'))
    if (!['array', 'string', 'any'].includes(type) || bad) throw new ExpressionError(`cannot slice ${type}`, at)
    return {
      type,
      run(scope) {
        const value = run(scope)
        if (typeof value !== 'string' && !Array.isArray(value))
          throw new EvaluationError(`cannot slice ${typeOf(value)}`)
        scope.spend(value.length)
        const start = first ? toInteger(first.run(scope)) : 0
        const end = last ? toInteger(last.run(scope)) : value.length
        return value.slice(start, end)
      },
    }
  }

  #method(node: Node & { kind: 'method' }): Typed<Context> {
    const { name, optional, at } = node
    const { type, run } = this.compile(node.object)
    const result = methodType(type, name)
    if (!result) throw new ExpressionError(`type ${type} has no method ${name}`, at)
    const args = node.args.map((arg) => this.compile(arg).run)
    return {
      type: result,
      run(scope) {
        const object = run(scope)
        if (object === null && optional) return null
        return callMethod(
          object,
          name,
          args.map((arg) => arg(scope)),
          scope,
        )
      },
    }
  }

  #call(node: Node & { kind: 'call' }): Typed<Context> {
    const { name, args, at } = node
    if (Object.hasOwn(PREDICATE_BUILTINS, name)) return this.#predicateCall(node)
    const own = Object.hasOwn(this.#environment.functions, name) ? this.#environment.functions[name] : undefined
    const known = own ?? (Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined)
    if (!known) throw new ExpressionError(`unknown name ${name}`, at)
    const compiled = args.map((arg) => this.compile(arg))
    checkArguments(name, known, compiled, args, at)
    const definition = known as FunctionDefinition<Context>
    const runs = compiled.map(({ type, run }, i) => {
      const wanted = definition.params[Math.min(i, definition.params.length - 1)]!
      return type === 'any' && wanted !== 'any' ? checked(run, wanted, name) : run
    })
    return {
      type: definition.result,
      run: (scope) =>
        definition.call(
          runs.map((run) => run(scope)),
          scope,
        ),
    }
  }

  /** `filter(list, # > 1)`: the second argument is evaluated for each element. */
  #predicateCall({ name, args, at }: Node & { kind: 'call' }): Typed<Context> {
    const { min, max, result, call } = PREDICATE_BUILTINS[name]!
    if (args.length < min || args.length > max) {
      throw new ExpressionError(`${name} takes ${min === max ? min : `${min} to ${max}`} arguments`, at)
    }
    const list = this.compile(args[0]!)
    if (!fits(list.type, 'array')) throw new ExpressionError(`builtin ${name} takes only array (got ${list.type})`, at)
    const [element, index, accumulator] = [this.#slots++, this.#slots++, this.#slots++]
    const locals = [
      { name: '#', type: 'any' as const, slot: element },
      { name: '#index', type: 'int' as const, slot: index },
      ...(name === 'reduce' ? [{ name: '#acc', type: 'any' as const, slot: accumulator }] : []),
    ]
    const body = args[1] && this.#with(locals, args[1])
    if (body && PREDICATE_BUILTINS[name]!.bool && !fits(body.type, 'bool')) {
      throw new ExpressionError(`predicate should return boolean (got ${body.type})`, args[1]!.at)
    }
    const more = args.slice(2).map((arg) => this.compile(arg).run)
    return {
      type: result,
      run(scope) {
        const items = list.run(scope)
        if (!Array.isArray(items)) throw new EvaluationError(`${name} wants an array, not ${typeOf(items)}`)
        const predicate: Predicate | undefined =
          body &&
          ((item, i, sum) => {
            scope.slots[element] = item
            scope.slots[index] = i
            scope.slots[accumulator] = sum ?? null
            return body.run(scope)
          })
        return call(
          items,
          predicate,
          more.map((run) => run(scope)),
          scope,
        )
      },
    }
  }
}

/** An argument whose type is only known when it is there. */
function checked<Context>(run: Run<Context>, wanted: Type, name: string): Run<Context> {
  return (scope) => {
    const value = run(scope)
    if (!fits(typeOf(value), wanted)) throw new EvaluationError(`${name} wants ${wanted}, not ${typeOf(value)}`)
    return value
  }
}

function checkArguments(
  name: string,
  { params, optional = 0, variadic }: FunctionDefinition<never>,
  args: readonly { type: Type }[],
  nodes: readonly Node[],
  at: number,
): void {
  const most = variadic ? Infinity : params.length
  if (args.length < params.length - optional) throw new ExpressionError(`not enough arguments to call ${name}`, at)
  if (args.length > most) throw new ExpressionError(`too many arguments to call ${name}`, at)
  for (const [i, { type }] of args.entries()) {
    const wanted = params[Math.min(i, params.length - 1)]!
    if (!fits(type, wanted)) {
      const text = `cannot use ${type} as argument (type ${wanted}) to call ${name}`
      throw new ExpressionError(text, nodes[i]!.at)
    }
  }
}

function toPattern({ value, at }: Node & { kind: 'literal' }): Regex {
  try {
    return new Regex(String(value))
  } catch (error) {
    throw error instanceof RegexError ? new ExpressionError(`error parsing regexp: ${error.message}`, at) : error
  }
}

function toBool(value: Value): boolean {
  if (typeof value !== 'boolean') throw new EvaluationError(`a bool is wanted, not ${typeOf(value)}`)
  return value
}

function toInteger(value: Value): number {
  if (!Number.isInteger(value)) throw new EvaluationError(`a whole number is wanted, not ${typeOf(value)}`)
  return value as number
}
