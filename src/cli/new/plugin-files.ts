import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import project from 'corelet/package.json' with { type: 'json' }

/** The files of a plugin that is small, whole and tested; `.txt` keeps them from being taken for parts of corelet. */
const TEMPLATE = join(import.meta.dirname, 'template')

/** A new plugin's files by their paths. @param name of the plugin, lower-case letters, digits and hyphens */
export function pluginFiles(name: string): ReadonlyMap<string, string> {
  const files = readdirSync(TEMPLATE).map((file): [string, string] => {
    const path = file.replace(/\.txt$/, '').replace(/^test\.ts$/, `${name}.test.ts`)
    return [path, fill(readFileSync(join(TEMPLATE, file), 'utf8'), name)]
  })
  return new Map(files)
}

function fill(text: string, name: string): string {
  const metric = name.replaceAll('-', '_')
  return text.replaceAll('NAME', name).replaceAll('METRIC', metric).replaceAll('VERSION', project.version)
}
