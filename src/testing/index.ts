/**
 * The test kit, published as `corelet/plugin/testing`: a plugin in a fake context, a whole server from the text of a Corefile, a fake upstream,
 * a clock to turn, records from text.
 */

export * from '../plugin/testing.ts'
export * from './fences.ts'
export * from './query.ts'
export * from './records.ts'
export * from './server.ts'
export * from './upstream.ts'
