/** The tests that ask upstreams over UDP once more, over Node's dgram in place of libc. */
process.env['CORELET_NET'] = 'dgram'
await import('./forward.test.ts')
await import('./upstream-behaviour.test.ts')

export {}
