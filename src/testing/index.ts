/**
 * The test kit, published as `corelet/plugin/testing`: a plugin in a fake context, a whole server from the text of a Corefile, a fake upstream,
 * a clock to turn, records from text.
 */

export { defaultSettings } from '../plugin/block-settings.ts'
export * from './directives.ts'
export * from './fake-clock.ts'
export * from './fake-context.ts'
export * from './fake-metrics.ts'
export * from './fences.ts'
export * from './messages.ts'
export * from './query.ts'
export * from './records.ts'
export * from './server.ts'
export * from './start-plugin.ts'
export * from './upstream.ts'
