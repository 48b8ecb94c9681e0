import type { BlockSettings } from './context.ts'

/** Settings of a block without any settings plugin. */
export function defaultSettings(): BlockSettings {
  return {
    bind: undefined,
    root: '.',
    metadata: [],
    view: '',
    debug: false,
    anyClass: false,
    watch: 0,
    stacktrace: false,
    timeouts: {},
    maxTcpQueries: undefined,
    tls: undefined,
    proxy: undefined,
    limits: {},
    processes: undefined,
  }
}
