import { type Query, type Running, ZoneList } from '../plugin/index.ts'

/**
 * What collects metadata of a block's queries: it makes room for it and asks the plugins that have some to give.
 * @param zones of the names that it is collected for @returns undefined when that is none
 */
export function createCollector(
  zones: readonly string[],
  plugins: readonly Running[],
): ((query: Query) => void) | undefined {
  if (zones.length === 0) return undefined
  const list = new ZoneList(zones)
  const providers = plugins.filter(({ metadata }) => metadata)
  return (query) => {
    if (!list.has(query.key)) return
    query.collectMetadata()
    for (const provider of providers) provider.metadata!(query)
  }
}
