import { createHash } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { findPackageJSON, registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Query parameter of a module's URL that tells one version of it from the next: Node never forgets a module. */
const VERSION = 'corelet-version'

/** The plugin API of this very process; what every plugin gets for `corelet/plugin`, wherever it lies. */
const API = import.meta.resolve('corelet/plugin')

interface Version {
  /** Digests of the files that it was made of, by path, as they were when it was read. */
  files: Map<string, string>
  exports: Promise<Record<string, unknown>>
  failed: boolean
}

/**
 * Imports plugins that are not part of corelet, and imports them anew when one of their own files has changed: the module itself and what
 * it imports by relative paths.
 */
export class ModuleLoader {
  readonly #versions = new Map<string, Version>()

  /**
   * The exports of a module.
   * @param specifier absolute path or package name
   * @param from absolute path of the file that names it
   * @throws (rejects) when it can't be resolved or fails
   */
  load(specifier: string, from: string): Promise<Record<string, unknown>> {
    const key = `${specifier}\n${from}`
    const known = this.#versions.get(key)
    if (known && !known.failed && [...known.files].every(([path, digest]) => digestOf(path) === digest)) {
      return known.exports
    }
    const files: Version['files'] = new Map()
    if (specifier.startsWith('/')) note(files, specifier)
    const version: Version = { files, exports: importVersion(specifier, from, files), failed: false }
    version.exports.catch(() => {
      version.failed = true
    })
    this.#versions.set(key, version)
    return version.exports
  }

  /** Whether there is a package. @param from absolute path of the file that names it */
  finds(name: string, from: string): boolean {
    try {
      return findPackageJSON(name, pathToFileURL(from)) !== undefined
    } catch {
      return false
    }
  }

  /** Digests of the files of a module that was loaded, by path; empty before. */
  filesOf(specifier: string, from: string): ReadonlyMap<string, string> {
    return this.#versions.get(`${specifier}\n${from}`)?.files ?? new Map()
  }
}

function note(files: Version['files'], path: string): void {
  if (!files.has(path)) files.set(path, digestOf(path))
}

/** SHA-256 of a file, empty when it can't be read. */
export function digestOf(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex')
  } catch {
    return ''
  }
}

/** The files of each version, to be completed as it imports them. */
const filesOfVersions = new Map<string, Version['files']>()

async function importVersion(
  specifier: string,
  from: string,
  files: Version['files'],
): Promise<Record<string, unknown>> {
  if (filesOfVersions.size === 0) registerHooks({ resolve, load })
  const id = String(filesOfVersions.size + 1)
  filesOfVersions.set(id, files)
  const target = specifier.startsWith('/') ? pathToFileURL(realpathSync(specifier)).href : specifier
  return import(`corelet-module:${id}:${encodeURIComponent(from)}:${encodeURIComponent(target)}`)
}

type Resolve = NonNullable<Parameters<typeof registerHooks>[0]['resolve']>

const resolve: Resolve = (specifier, context, nextResolve) => {
  if (specifier === 'corelet/plugin') return { url: API, shortCircuit: true }
  if (specifier.startsWith('corelet-module:')) {
    const [, id = '', from = '', target = ''] = specifier.split(':').map(decodeURIComponent)
    const entry = versioned(nextResolve(target, { ...context, parentURL: pathToFileURL(from).href }), id)
    noteManifest(entry.url, id)
    return entry
  }
  const resolved = nextResolve(specifier, context)
  const id = context.parentURL && new URL(context.parentURL).searchParams.get(VERSION)
  return id && /^(\.{0,2}\/|file:)/.test(specifier) ? versioned(resolved, id) : resolved
}

/** The package.json of a plugin says which corelet it needs, so it is one of its files. */
function noteManifest(url: string, id: string): void {
  if (!url.startsWith('file:')) return
  const manifest = findPackageJSON(new URL(url))
  const files = filesOfVersions.get(id)
  if (manifest && files) note(files, manifest)
}

type Load = NonNullable<Parameters<typeof registerHooks>[0]['load']>

/** Plugins in TypeScript may be packages, too: Node itself strips no types below node_modules. */
const load: Load = (url, context, nextLoad) => {
  if (!/\/node_modules\/.*\.m?ts\?/.test(url) || !new URL(url).searchParams.has(VERSION)) return nextLoad(url, context)
  const source = stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8'))
  return { format: 'module', source, shortCircuit: true }
}

/** Gives a module of a plugin's own its version and notes its file. */
function versioned(resolved: ReturnType<Resolve>, id: string): ReturnType<Resolve> {
  const url = new URL(resolved.url)
  if (url.protocol !== 'file:') return resolved
  url.searchParams.set(VERSION, id)
  const files = filesOfVersions.get(id)
  if (files) note(files, fileURLToPath(url))
  return { ...resolved, url: url.href }
}
