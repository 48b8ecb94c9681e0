/** From a rule that is for a query to the reply. */
import {
  type EdnsOption,
  encodeOption,
  isPending,
  lookUp,
  type PluginContext,
  parseRecord,
  type Query,
  RCODES,
  type Reply,
  type ResourceRecord,
  TC,
  TextError,
  TYPES,
  WireError,
} from 'corelet/plugin'
import { ExecutionError } from './language/errors.ts'
import type { Template } from './language/execute.ts'
import type { Fields } from './language/values.ts'
import type { Section, TemplateRule } from './options.ts'

/** Told about templates that make no record. */
export interface Failures {
  template(section: Section, source: string): void
  record(section: Section, source: string): void
}

/** CNAMEs of an answer that are followed. */
const MAX_ALIASES = 16

/** The reply that a rule makes. */
export function answer(
  rule: TemplateRule,
  query: Query,
  data: Fields,
  context: PluginContext,
  failures: Failures,
): Reply | Promise<Reply> {
  if (rule.rcode === RCODES.SERVFAIL) return query.fail(RCODES.SERVFAIL, 'template', undefined, 'rcode SERVFAIL')
  const sections: Record<Section, ResourceRecord[]> = { answer: [], additional: [], authority: [] }
  for (const section of ['answer', 'additional', 'authority'] as const) {
    for (const template of rule.records[section]) {
      const record = toRecord(template, data, section, failures)
      if (typeof record === 'string') return query.fail(RCODES.SERVFAIL, 'template', record)
      if (record) sections[section].push(record)
    }
  }
  const finish = (found: readonly Reply[]): Reply => {
    const answers = [...sections.answer, ...found.flatMap((reply) => reply.answers)]
    const truncated = found.reduce((flags, reply) => flags | (reply.flags & TC), 0)
    try {
      const { answer: _, additional: additionals, authority: authorities } = sections
      const options = toOptions(rule.error)
      const parts = { rcode: rule.rcode, authoritative: true, answers, authorities, additionals, options }
      const reply = query.reply(parts, 'template', 'matched')
      return truncated ? reply.copy({ flags: reply.flags | truncated }) : reply
    } catch (error) {
      if (!(error instanceof TextError || error instanceof WireError)) throw error
      return query.fail(RCODES.SERVFAIL, 'template', error.message)
    }
  }
  const lookups = followAliases(query, sections.answer, context)
  return lookups.some(isPending) ? Promise.all(lookups).then(finish) : finish(lookups as Reply[])
}

/** Looks up where CNAMEs lead to. */
function followAliases(query: Query, answers: readonly ResourceRecord[], context: PluginContext) {
  if (query.qtype !== TYPES.A && query.qtype !== TYPES.AAAA) return []
  return answers
    .flatMap((record) => (record.type === 'CNAME' ? [record.data] : []))
    .slice(0, MAX_ALIASES)
    .map((name) => lookUp(context, query, { name }))
}

/** The record that a template makes; a text says why there is none, nothing that it made no text. */
function toRecord(
  template: Template,
  data: Fields,
  section: Section,
  failures: Failures,
): ResourceRecord | string | undefined {
  let text: string
  try {
    text = template.execute(data)
  } catch (error) {
    if (!(error instanceof ExecutionError)) throw error
    failures.template(section, template.source)
    return `${template.source}: ${error.message}`
  }
  if (text.trim() === '') return undefined
  try {
    return parseRecord(text)
  } catch (error) {
    if (!(error instanceof TextError)) throw error
    failures.record(section, template.source)
    return `${text}: ${error.message}`
  }
}

function toOptions(error: TemplateRule['error']): EdnsOption[] {
  if (!error) return []
  return [encodeOption({ type: 'EDE', data: { infoCode: error.code, extraText: error.reason } })]
}
