/** From the text of a Corefile to a checked configuration. Opens nothing: `check`, start and reload all begin here. */
import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { defaultCorefile } from '../corefile/default-corefile.ts'
import { createDiagnostic, type Finding, sortDiagnostics } from '../corefile/diagnostics.ts'
import type { Variables } from '../corefile/environment.ts'
import type { FileAccess } from '../corefile/files.ts'
import { hashCorefile } from '../corefile/hash.ts'
import type { Diagnostic } from '../corefile/model.ts'
import { type ParsedCorefile, parseCorefile } from '../corefile/parse.ts'
import { type ConfiguredBlock, configureBlocks } from './configure.ts'
import { INSTANCE_CODES } from './instance-codes.ts'
import { digestOf, type ModuleLoader } from './module-loader.ts'
import {
  type BuiltIns,
  builtInCatalog,
  checkPluginList,
  listedCatalog,
  type PluginCatalog,
  specifierOf,
} from './plugin-catalog.ts'
import { PLUGIN_LIST, type PluginLine, parsePluginList } from './plugin-list.ts'

/** The text of a Corefile and the path it was read from, as messages show it. */
export interface CorefileText {
  file: string
  text: string
}

export interface LoadOptions {
  files: FileAccess
  env: Variables
  /** Port of plain DNS keys without one. */
  dnsPort: number
  builtIns: BuiltIns
  /** Keeps modules between loads. */
  loader: ModuleLoader
  /** Addresses of the machine's network interfaces. */
  interfaces(): Map<string, string[]>
}

/** A configuration, which may be used when none of its diagnostics is an error. */
export interface Configuration {
  blocks: readonly ConfiguredBlock[]
  diagnostics: readonly Diagnostic[]
  /** Absolute paths of all that it was made of. The plugin list is among them even when there is none. */
  files: readonly string[]
  /** Texts of the files that diagnostics can be in, by the path that they show. */
  sources: ReadonlyMap<string, string>
  /** SHA-512, hexadecimal. */
  hash: string
}

/** Reads, checks and completes a configuration. Never throws for what stands in the files. */
export async function loadConfiguration(source: CorefileText, options: LoadOptions): Promise<Configuration> {
  const read = await readSources(source, options, { checkDirectives: true })
  const { blocks, diagnostics } = await configureBlocks(read.parsed.blocks, read.catalog, options)
  return {
    blocks,
    diagnostics: sortDiagnostics([...read.diagnostics, ...diagnostics], [...read.sources.keys()]),
    ...describe(read, options, (path, known) => known.get(path) ?? ''),
    sources: read.sources,
  }
}

/** Reads a configuration as far as its hash needs; which directives there are is not looked at, plugins are not imported. */
export async function examineConfiguration(
  source: CorefileText,
  options: LoadOptions,
): Promise<Pick<Configuration, 'hash' | 'files' | 'diagnostics'>> {
  const read = await readSources(source, options, { checkDirectives: false })
  return { diagnostics: read.diagnostics, ...describe(read, options, digestOf) }
}

/** What messages call the Corefile that stands in for an empty one. */
const DEFAULT_FILE = 'default Corefile'

/** Of findings about a file as a whole. */
const NOWHERE = { line: 1, column: 1, length: 1, imports: [] }

interface Sources {
  parsed: ParsedCorefile
  catalog: PluginCatalog
  /** Lines of the plugin list; undefined without one. */
  lines: PluginLine[] | undefined
  listPath: string
  diagnostics: Diagnostic[]
  sources: Map<string, string>
}

async function readSources(
  source: CorefileText,
  options: LoadOptions,
  { checkDirectives }: { checkDirectives: boolean },
): Promise<Sources> {
  const { files: read, env, builtIns, loader, dnsPort } = options
  const listPath = join(resolve(source.file), '..', PLUGIN_LIST)
  const list = readPluginList(listPath, read)
  const catalog = list.lines ? listedCatalog(list.lines, builtIns, loader) : builtInCatalog(builtIns)
  const parse = (file: string, text: string) =>
    parseCorefile({ file, text }, { read, env, ...(checkDirectives && { directives: catalog.directives }) })
  const findings = [...list.findings, ...checkPluginList(list.lines ?? [], builtIns, loader)]
  let parsed = await parse(source.file, source.text)
  if (parsed.blocks.length === 0 && !parsed.diagnostics.some(({ severity }) => severity === 'error')) {
    findings.push({ position: { ...NOWHERE, file: source.file }, code: 'no-server-block', params: [] })
    const { diagnostics, files, sources } = parsed
    const standIn = await parse(DEFAULT_FILE, defaultCorefile(dnsPort))
    parsed = { ...standIn, files, diagnostics, sources: new Map([...sources, ...standIn.sources]) }
  }
  const diagnostics = [...parsed.diagnostics, ...findings.map((finding) => createDiagnostic(finding, INSTANCE_CODES))]
  const sources = new Map(parsed.sources)
  if (list.text !== undefined) sources.set(listPath, list.text)
  return { parsed, catalog, lines: list.lines, listPath, diagnostics, sources }
}

/** Reads the plugin list at `path`; no lines when there is none. */
export function readPluginList(
  path: string,
  files: FileAccess,
): { lines?: PluginLine[]; text?: string; findings: Finding[] } {
  const content = files.readFile(path)
  if ('text' in content) return { text: content.text, ...parsePluginList(path, content.text) }
  if (content.error === 'no such file or directory') return { findings: [] }
  return {
    findings: [
      { position: { ...NOWHERE, file: path }, code: 'plugin-config-unreadable', params: [path, content.error] },
    ],
  }
}

/**
 * Hash and files of a configuration. The hash is that of the Corefile's words alone unless there is a plugin list; then the list and the
 * files of the listed plugins in use belong to it.
 */
function describe(
  { parsed, lines, listPath }: Sources,
  { loader }: LoadOptions,
  digest: (path: string, known: ReadonlyMap<string, string>) => string,
): { hash: string; files: string[] } {
  const own = parsed.files.map((file) => resolve(file))
  const corefileHash = hashCorefile(parsed.blocks)
  if (!lines) return { hash: corefileHash, files: [...own, listPath] }
  const used = new Set(parsed.blocks.flatMap(({ directives }) => directives.map(({ name }) => name.text)))
  const digests = lines
    .filter(({ name }) => used.has(name))
    .flatMap((line) => {
      const known = loader.filesOf(specifierOf(line), listPath)
      return [...known.keys()].map((path) => [path, digest(path, known)] as const)
    })
  const list = lines.map((line) => [line.name, line.package, line.limits])
  const hash = createHash('sha512')
    .update(JSON.stringify([corefileHash, list, digests.map(([, each]) => each)]))
    .digest('hex')
  return { hash, files: [...own, listPath, ...digests.map(([path]) => path)] }
}
