/** The listener's tests once more, on the other back end of UDP. */
process.env['CORELET_NET'] = 'dgram'
await import('./listener.test.ts')
await import('./gate.test.ts')
