import { type Metrics, type Query, TYPES } from 'corelet/plugin'
import type { Section } from './options.ts'

/** What `template` counts. */
export interface TemplateMetrics {
  matched(query: Query, zone: string, names: Names): void
  templateFailed(query: Query, zone: string, names: Names, section: Section, template: string): void
  recordFailed(query: Query, zone: string, names: Names, section: Section, template: string): void
}

interface Names {
  class: string
  type: string
}

/** Types without a mnemonic share a label: there are 65,000 of them. */
function labelsOf(query: Query, zone: string, names: Names): string[] {
  return [query.listener.server, zone, query.view, names.class, Object.hasOwn(TYPES, names.type) ? names.type : 'other']
}

export function createMetrics(metrics: Metrics): TemplateMetrics {
  const labels = ['server', 'zone', 'view', 'class', 'type']
  const matches = metrics.counter('coredns_template_matches_total', 'Queries that a template answered.', labels)
  const templates = metrics.counter(
    'coredns_template_template_failures_total',
    'Templates that could not be filled in.',
    [...labels, 'section', 'template'],
  )
  const records = metrics.counter('coredns_template_rr_failures_total', 'Templates that made no record.', [
    ...labels,
    'section',
    'template',
  ])
  return {
    matched: (query, zone, names) => matches.with(...labelsOf(query, zone, names)).inc(),
    templateFailed: (query, zone, names, section, template) =>
      templates.with(...labelsOf(query, zone, names), section, template).inc(),
    recordFailed: (query, zone, names, section, template) =>
      records.with(...labelsOf(query, zone, names), section, template).inc(),
  }
}
