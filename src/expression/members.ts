/** What stands behind a dot or in brackets: fields of maps, items of arrays, methods of times and durations. */
import { EvaluationError } from './errors.ts'
import type { Scope } from './scope.ts'
import { Duration, Time, toZone } from './time.ts'
import { type Type, typeOf, type Value } from './values.ts'

interface Method<Object> {
  result: Type
  call(object: Object, args: readonly Value[]): Value
}

const HOUR = 3_600_000

const TIME_METHODS: Record<string, Method<Time>> = {
  Year: { result: 'int', call: ({ fields }) => fields.year },
  Month: { result: 'int', call: ({ fields }) => fields.month },
  Day: { result: 'int', call: ({ fields }) => fields.day },
  Hour: { result: 'int', call: ({ fields }) => fields.hour },
  Minute: { result: 'int', call: ({ fields }) => fields.minute },
  Second: { result: 'int', call: ({ fields }) => fields.second },
  Weekday: { result: 'int', call: ({ weekday }) => weekday },
  YearDay: { result: 'int', call: ({ yearDay }) => yearDay },
  Unix: { result: 'int', call: ({ milliseconds }) => Math.floor(milliseconds / 1000) },
  UnixMilli: { result: 'int', call: ({ milliseconds }) => Math.floor(milliseconds) },
  Format: { result: 'string', call: (time, [layout]) => time.format(text(layout)) },
  In: { result: 'time', call: ({ milliseconds }, [zone]) => new Time(milliseconds, toZone(text(zone))) },
  UTC: { result: 'time', call: ({ milliseconds }) => new Time(milliseconds) },
  Local: { result: 'time', call: ({ milliseconds }) => new Time(milliseconds, toZone('Local')) },
  Add: { result: 'time', call: (time, [by]) => new Time(time.milliseconds + duration(by).milliseconds, time.zone) },
  Sub: { result: 'duration', call: (time, [other]) => new Duration(time.milliseconds - moment(other).milliseconds) },
  Before: { result: 'bool', call: (time, [other]) => time.milliseconds < moment(other).milliseconds },
  After: { result: 'bool', call: (time, [other]) => time.milliseconds > moment(other).milliseconds },
  Equal: { result: 'bool', call: (time, [other]) => time.milliseconds === moment(other).milliseconds },
  String: { result: 'string', call: (time) => time.toString() },
}

const DURATION_METHODS: Record<string, Method<Duration>> = {
  Hours: { result: 'float', call: ({ milliseconds }) => milliseconds / HOUR },
  Minutes: { result: 'float', call: ({ milliseconds }) => milliseconds / 60_000 },
  Seconds: { result: 'float', call: ({ milliseconds }) => milliseconds / 1000 },
  Milliseconds: { result: 'int', call: ({ milliseconds }) => Math.trunc(milliseconds) },
  String: { result: 'string', call: (value) => value.toString() },
}

/** What a method gives; undefined when a value of that type has none of that name. */
export function methodType(type: Type, name: string): Type | undefined {
  const ofTime = Object.hasOwn(TIME_METHODS, name) ? TIME_METHODS[name]!.result : undefined
  const ofDuration = Object.hasOwn(DURATION_METHODS, name) ? DURATION_METHODS[name]!.result : undefined
  if (type === 'time') return ofTime
  if (type === 'duration') return ofDuration
  return type === 'any' ? (ofTime ?? ofDuration) : undefined
}

/** @throws EvaluationError */
export function callMethod(object: Value, name: string, args: readonly Value[], scope: Scope<unknown>): Value {
  scope.spend(10)
  if (object instanceof Time && Object.hasOwn(TIME_METHODS, name)) return TIME_METHODS[name]!.call(object, args)
  if (object instanceof Duration && Object.hasOwn(DURATION_METHODS, name))
    return DURATION_METHODS[name]!.call(object, args)
  throw new EvaluationError(`${typeOf(object)} has no method ${name}`)
}

/** A field of a map (nil when it has none), an item of an array, a character of a text; counted from the end when below 0. @throws EvaluationError */
export function readMember(object: Value, key: Value, optional: boolean): Value {
  if (object === null && optional) return null
  if (object instanceof Map) return object.get(String(key)) ?? null
  if ((Array.isArray(object) || typeof object === 'string') && Number.isInteger(key)) {
    const item = object.at(key as number)
    if (item === undefined) throw new EvaluationError(`index out of range: ${key} (array length is ${object.length})`)
    return item
  }
  throw new EvaluationError(`cannot fetch ${String(key)} from ${typeOf(object)}`)
}

function text(value: Value | undefined): string {
  if (typeof value !== 'string') throw new EvaluationError('text is wanted')
  return value
}

function duration(value: Value | undefined): Duration {
  if (!(value instanceof Duration)) throw new EvaluationError('a duration is wanted')
  return value
}

function moment(value: Value | undefined): Time {
  if (!(value instanceof Time)) throw new EvaluationError('a time is wanted')
  return value
}
