import type { Scope } from './scope.ts'
import type { Type, Value } from './values.ts'

/** A function of the language, or of whoever compiles an expression. */
export interface FunctionDefinition<Context> {
  params: readonly Type[]
  /** How many of the last params may be left out. */
  optional?: number
  /** The last param stands for any number of arguments, at least one. */
  variadic?: true
  result: Type
  /** Gets as many arguments as were written. @throws EvaluationError */
  call(args: Value[], scope: Scope<Context>): Value
}

/** What expressions may use besides the language itself. */
export interface Environment<Context> {
  functions: Readonly<Record<string, FunctionDefinition<Context>>>
  /** Names with a value, such as those that `var` of `template` makes. */
  variables?: Readonly<Record<string, { type: Type; read(context: Context): Value }>>
}
