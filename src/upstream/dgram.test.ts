/** The tests of upstreams once more, over Node's dgram in place of libc. */
process.env['CORELET_NET'] = 'dgram'
await import('./upstream.test.ts')

export {}
