/**
 * Brings the comments of the chart's values.yaml that begin with two dashes into the table of its README and the descriptions of its schema.
 *
 * node deploy/helm/readme.ts [FOLDER]     that of the chart when left out
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml'

/** A value that has a comment. */
interface Described {
  path: readonly string[]
  text: string
  /** What it is when left out; undefined for a map whose values have rows of their own. */
  initial: string | undefined
}

interface Schema {
  description?: string
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  oneOf?: Schema[]
}

const chart = join(import.meta.dirname, 'corelet')
const folder = process.argv[2] ?? chart

const values = parseDocument(readFileSync(join(chart, 'values.yaml'), 'utf8')).contents
if (!isMap(values)) throw new Error('values.yaml is no map')
const described = describe(values, [])

writeFileSync(join(folder, 'README.md'), withTable(readFileSync(join(chart, 'README.md'), 'utf8')))
const schema = withDescriptions(JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')))
writeFileSync(join(folder, 'values.schema.json'), `${JSON.stringify(schema, undefined, 2)}\n`)

/** All described values of a map, in its order. @throws Error for one that nothing describes */
function describe(map: YAMLMap, above: readonly string[]): Described[] {
  return map.items.flatMap(({ key, value }, index) => {
    if (!isScalar(key)) throw new Error(`a key of ${above.join('.')} is no text`)
    const path = [...above, String(key.value)]
    // the comment of the first key counts as that of the map
    const text = toText(key.commentBefore ?? (index === 0 && above.length > 0 ? map.commentBefore : undefined))
    const below = isMap(value) && hasComments(value) ? describe(value, path) : []
    if (text === '' && below.length === 0) throw new Error(`nothing describes ${path.join('.')}`)
    const initial = below.length > 0 ? undefined : JSON.stringify(isMap(value) ? value.toJSON() : toPlain(value))
    return [...(text === '' ? [] : [{ path, text, initial }]), ...below]
  })
}

function hasComments(map: YAMLMap): boolean {
  return (
    toText(map.commentBefore) !== '' ||
    map.items.some(
      ({ key, value }) => (isScalar(key) && toText(key.commentBefore) !== '') || (isMap(value) && hasComments(value)),
    )
  )
}

function toPlain(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'toJSON' in value
    ? (value as { toJSON(): unknown }).toJSON()
    : value
}

/** What stands behind the two dashes; empty when there are none. */
function toText(comment: string | null | undefined): string {
  const [, text = ''] = /(?:^|\n) -- ([\s\S]*)$/.exec(comment ?? '') ?? []
  return text.replace(/\n */g, ' ').trim()
}

/** The table is all that stands below the last headline. */
function withTable(readme: string): string {
  const headline = '## Values\n'
  const start = readme.indexOf(headline)
  if (start < 0) throw new Error(`README.md has no headline ${headline}`)
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const rows = described.map(
    ({ path, text, initial }) =>
      `| \`${path.join('.')}\` | ${initial === undefined ? '' : `\`${cell(initial)}\``} | ${cell(text)} |`,
  )
  return `${readme.slice(0, start)}${headline}\n| value | default | |\n|---|---|---|\n${rows.join('\n')}\n`
}

/** @throws Error for a value that the schema does not have */
function withDescriptions(whole: Schema): Schema {
  for (const { path, text } of described) place(whole, path).description = text
  // a zone has the settings of zoneDefaults
  const zone = place(whole, ['zones']).additionalProperties
  const settings = typeof zone === 'object' ? zone.oneOf?.find((each) => each.properties !== undefined) : undefined
  for (const { path, text } of described) {
    if (path[0] === 'zoneDefaults' && path.length > 1 && settings) place(settings, path.slice(1)).description = text
  }
  return whole
}

function place(whole: Schema, path: readonly string[]): Schema {
  return path.reduce((schema, key) => {
    const found = schema.properties?.[key]
    if (found === undefined) throw new Error(`values.schema.json has no ${path.join('.')}`)
    return found
  }, whole)
}
