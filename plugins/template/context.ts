/** What expressions and templates can see of a query. */
import { CLASSES, type Query, type Regex, TYPES, toClassName, toTypeName } from 'corelet/plugin'
import type { Expression } from '../../src/expression/compile.ts'
import type { Environment } from '../../src/expression/environment.ts'
import { QUERY_FUNCTIONS, type QueryContext } from '../../src/expression/query-functions.ts'
import { toPlain, type Value } from '../../src/expression/values.ts'
import { type Fields, mapOf, objectOf, type Value as TemplateValue } from './language/values.ts'

export interface TemplateContext extends QueryContext {
  /** The match and its groups, by number and by name. */
  groups: ReadonlyMap<string, string>
  /** Values of `var`. */
  variables: Map<string, Value>
}

/** What expressions may use: the functions of a query, `group`, and the variables before them. */
export function createEnvironment(
  variables: readonly { name: string; expression: Expression<TemplateContext> }[],
): Environment<TemplateContext> {
  return {
    functions: {
      ...QUERY_FUNCTIONS,
      group: {
        params: ['any'],
        result: 'string',
        call: ([name], { context }) => context.groups.get(String(name)) ?? '',
      },
    },
    variables: Object.fromEntries(
      variables.map(({ name, expression }) => [
        name,
        { type: expression.type, read: ({ variables: known }: TemplateContext) => known.get(name) ?? null },
      ]),
    ),
  }
}

/** The groups of a match, by number and by name. */
export function toGroups(match: readonly string[], regex: Regex | undefined): Map<string, string> {
  const groups = new Map(match.map((group, i) => [String(i), group]))
  for (const [name, number] of Object.entries(regex?.names ?? {})) groups.set(name, match[number]!)
  return groups
}

/** Class and type as templates name them: the query's, or the rule's when the query asks for ANY. */
export function namesOf(query: Query, rule: { qclass: number; qtype: number }) {
  return {
    class: toClassName(query.qclass === CLASSES.ANY ? rule.qclass : query.qclass),
    type: toTypeName(query.qtype === TYPES.ANY ? rule.qtype : query.qtype),
  }
}

/** What `.` is in templates. */
export function toData(
  { query, groups, variables }: TemplateContext,
  match: readonly string[],
  regex: Regex | undefined,
  zone: string,
  names: { class: string; type: string },
): Fields {
  const question = objectOf({ Name: query.name, Qtype: query.qtype, Qclass: query.qclass })
  return objectOf({
    Zone: zone,
    Name: query.name,
    Class: names.class,
    Type: names.type,
    Match: [...match],
    Group: mapOf(Object.fromEntries(groups)),
    Regex: regex?.source ?? '.*',
    Question: question,
    Message: objectOf({
      Id: query.id,
      Opcode: query.opcode,
      RecursionDesired: (query.flags & 0x0100) !== 0,
      CheckingDisabled: (query.flags & 0x0010) !== 0,
      Question: [question],
    }),
    Remote: query.client.address.replace(/%.*$/, ''),
    Var: mapOf(Object.fromEntries([...variables].map(([name, value]) => [name, toTemplate(toPlain(value))]))),
    Meta: (label) => query.metadata(String(label)) ?? '',
  })
}

function toTemplate(plain: unknown): TemplateValue {
  if (Array.isArray(plain)) return plain.map(toTemplate)
  if (typeof plain !== 'object' || plain === null) return plain as TemplateValue
  return mapOf(Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, toTemplate(value)])))
}
