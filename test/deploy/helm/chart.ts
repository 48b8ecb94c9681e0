/** A Helm chart, rendered as `helm template` does: values are merged and checked, templates run, objects read from what they make. */
import { Ajv, type ValidateFunction } from 'ajv'
import { parseAllDocuments } from 'yaml'
import { listFiles, read } from '../../kit/sources.ts'
import { Runner } from './run.ts'
import { parseTemplate } from './template.ts'
import { copy, isMap, type Value, type ValueMap } from './values.ts'

export interface Release {
  name: string
  namespace: string
  /** Kinds of APIs that the cluster has beside the built-in ones, as `--api-versions` names them. */
  apis: readonly string[]
}

export const RELEASE: Release = { name: 'corelet', namespace: 'kube-system', apis: [] }

/** An object of Kubernetes. */
export interface Resource {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  [field: string]: unknown
}

export interface Rendered {
  resources: readonly Resource[]
  notes: string
}

export interface Chart {
  /** Values of the chart itself. */
  readonly values: ValueMap
  /** @throws Error when the values are refused, or a template fails */
  render(values?: ValueMap, release?: Partial<Release>): Rendered
}

/** Version of Kubernetes that charts are rendered for. */
export const KUBERNETES = { Version: 'v1.33.0', Major: '1', Minor: '33' }

const FOLDER = 'deploy/helm/corelet'

/** Texts of the project's chart by their paths in it. */
export function readChart(): ReadonlyMap<string, string> {
  return new Map(listFiles(FOLDER).map((path) => [path.slice(FOLDER.length + 1), read(path)]))
}

/** @param files texts by their paths in the chart */
export function createChart(files: ReadonlyMap<string, string>): Chart {
  const about = parseOne(files.get('Chart.yaml') ?? '')
  const name = String(about['name'])
  const parsed = [...files]
    .filter(([path]) => path.startsWith('templates/'))
    .map(([path, text]) => [path, parseTemplate(path, text)] as const)
  const defaults = parseOne(files.get('values.yaml') ?? '')
  const accepts = compileSchema(files.get('values.schema.json'))
  const rest = [...files].filter(([path]) => !/^(templates\/|Chart\.yaml|values\.(yaml|schema\.json))/.test(path))
  return {
    values: defaults,
    render(given = {}, release = {}) {
      const { name: Name, namespace: Namespace, apis } = { ...RELEASE, ...release }
      const values = mergeValues(copy(given) as ValueMap, defaults)
      if (!accepts(values)) throw new Error(`values are not as the schema says: ${describe(accepts)}`)
      const runner = new Runner((text) => parseTemplate('tpl', text))
      for (const [path, { body, defines }] of parsed) runner.define(new Map([...defines, [`${name}/${path}`, body]]))
      const context = (path: string): ValueMap => ({
        Values: values,
        Chart: toStruct({ ...capitalise(about), IsRoot: true }),
        Release: { Name, Namespace, Service: 'Helm', Revision: 1n, IsInstall: true, IsUpgrade: false },
        Capabilities: toStruct({
          KubeVersion: toStruct({ ...KUBERNETES, GitVersion: KUBERNETES.Version }),
          APIVersions: toStruct({ Has: (api) => BUILT_IN.has(String(api)) || apis.includes(String(api)) }),
        }),
        Files: filesOf(rest),
        Template: { Name: `${name}/${path}`, BasePath: `${name}/templates` },
      })
      const outputs = parsed
        .filter(([path]) => !/\/_[^/]*$/.test(path))
        .map(([path]) => [path, runner.run(`${name}/${path}`, context(path))] as const)
      const resources = outputs.filter(([path]) => path !== NOTES).flatMap(([path, text]) => readResources(path, text))
      return { resources, notes: outputs.find(([path]) => path === NOTES)?.[1] ?? '' }
    },
  }
}

const NOTES = 'templates/NOTES.txt'
const BUILT_IN = new Set([
  'v1',
  'apps/v1',
  'batch/v1',
  'policy/v1',
  'networking.k8s.io/v1',
  'autoscaling/v2',
  'rbac.authorization.k8s.io/v1',
])

/** The project's own. */
export const CHART = createChart(readChart())

/** All objects of a text of YAML. @throws Error when it is none, or has something else in it */
export function readResources(path: string, text: string): Resource[] {
  return parseAllDocuments(text, { version: '1.1', uniqueKeys: true, merge: false }).flatMap((document) => {
    const [problem] = [...document.errors, ...document.warnings]
    if (problem) throw new Error(`${path}: ${problem.message}\n${text}`)
    const value: unknown = document.toJS()
    if (value === null) return []
    if (typeof value !== 'object' || !('kind' in value)) throw new Error(`${path}: an object without a kind\n${text}`)
    return [value as Resource]
  })
}

function parseOne(text: string): ValueMap {
  const [document] = parseAllDocuments(text, { version: '1.1' })
  return (document?.toJS() ?? {}) as ValueMap
}

/** The chart's values below those that are given; null takes one away. */
function mergeValues(given: ValueMap, defaults: ValueMap): ValueMap {
  for (const [key, value] of Object.entries(defaults)) {
    const own = given[key]
    if (own === undefined) given[key] = copy(value)
    else if (own === null) delete given[key]
    else if (isMap(own) && isMap(value)) mergeValues(own, value)
  }
  return given
}

function compileSchema(text: string | undefined): ValidateFunction {
  return new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(JSON.parse(text ?? '{}'))
}

function describe({ errors }: ValidateFunction): string {
  return (errors ?? [])
    .map(({ instancePath, message, params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`)
    .join('; ')
}

/** Asked for a field that is not in it, it is an error, unlike a map. */
function toStruct(fields: ValueMap): ValueMap {
  return Object.setPrototypeOf(fields, null)
}

function capitalise(fields: ValueMap): ValueMap {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key[0]!.toUpperCase() + key.slice(1), value]))
}

/** `.Files`: those beside the templates. */
function filesOf(files: readonly (readonly [path: string, text: string])[]): ValueMap {
  const glob = (pattern: string) => {
    const expression = new RegExp(
      `^${pattern
        .replace(/[.+()[\]{}^$|]/g, '\\$&')
        .replaceAll('**', '.+')
        .replace(/(?<!\.)\*/g, '[^/]*')}$`,
    )
    return files.filter(([path]) => expression.test(path))
  }
  return toStruct({
    Get: (path) => files.find(([each]) => each === path)?.[1] ?? '',
    Glob: (pattern) => Object.fromEntries(glob(String(pattern)).map(([path, text]): [string, Value] => [path, text])),
  })
}
