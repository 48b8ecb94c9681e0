import { resolve } from 'node:path'
import {
  definePlugin,
  type Handler,
  keyToText,
  type PluginContext,
  type Query,
  RCODES,
  type Reply,
  type ResourceRecord,
  TYPES,
} from 'corelet/plugin'
import { HostsFile } from './file.ts'
import { directive, errors, type HostsOptions, parse } from './options.ts'
import { HostsTable, MAX_VALUES } from './table.ts'

/** Answers A, AAAA and PTR queries from a hosts file and from entries in the Corefile. */
export default definePlugin({
  name: 'hosts',
  summary: 'answers A, AAAA and PTR queries from a hosts file',
  directive,
  errors,
  parse,
  async start(options, context) {
    const createTable = () => new HostsTable(options.zones, options.makesReverse)
    const inline = createTable()
    for (const line of options.inline) inline.add(line)
    const path = resolve(context.block.settings.root, options.path)
    const onRead = publish(context, path, inline)
    const file = await HostsFile.open({ path, reload: options.reload, createTable, onRead }, context)
    return { handler: answer(options, file, inline), stop: () => file.close() }
  },
})

/** Registers the metrics; the result sets them each time the file was read. */
function publish({ metrics }: PluginContext, path: string, inline: HostsTable) {
  const help = 'Entries of the hosts file and the Corefile.'
  const entries = metrics.gauge('coredns_hosts_entries', help, ['hostsfile'], 'max')
  const modified = metrics.gauge(
    'coredns_hosts_reload_timestamp_seconds',
    'Modification time of the hosts file in use.',
    [],
    'max',
  )
  return (table: HostsTable, seconds: number) => {
    entries.with(path).set(table.size + inline.size)
    modified.with().set(seconds)
  }
}

function answer(options: HostsOptions, file: HostsFile, inline: HostsTable): Handler {
  const { zones, fallthrough, fallthroughUnsupported, ttl } = options
  return function hosts(query, next) {
    const { key, qtype } = query
    if (qtype === TYPES.PTR) {
      const names = unite(file.table.findNames(key), inline.findNames(key))
      return names.length === 0 ? next(query) : toReply(query, 'PTR', names.map(keyToText), ttl)
    }
    if (!zones.has(key)) return next(query)
    const type = qtype === TYPES.A ? 'A' : qtype === TYPES.AAAA ? 'AAAA' : undefined
    if (!type && fallthroughUnsupported && fallthrough?.has(key)) return next(query)
    const inFile = file.table.find(key)
    const inCorefile = inline.find(key)
    if (!inFile && !inCorefile) {
      if (fallthrough?.has(key)) return next(query)
      return query.fail(RCODES.SERVFAIL, 'hosts', undefined, 'no entry')
    }
    if (!type) return query.reply({ authoritative: true }, 'hosts', 'name without this type')
    const family = type === 'A' ? 'v4' : 'v6'
    return toReply(query, type, unite(inFile?.[family] ?? [], inCorefile?.[family] ?? []), ttl)
  }
}

/** The file's values, then those that only the Corefile has. */
function unite(first: readonly string[], second: readonly string[]): readonly string[] {
  if (second.length === 0) return first
  return first.length === 0 ? second : [...new Set([...first, ...second])].slice(0, MAX_VALUES)
}

function toReply(query: Query, type: 'A' | 'AAAA' | 'PTR', values: readonly string[], ttl: number): Reply {
  const answers: ResourceRecord[] = values.map((data) => ({ name: query.name, type, class: 'IN', ttl, data }))
  return query.reply({ authoritative: true, answers }, 'hosts', answers.length > 0 ? 'entry' : 'name without this type')
}
