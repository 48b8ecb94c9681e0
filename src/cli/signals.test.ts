import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Instance } from '../instance/instance.ts'
import type { Log } from '../observe/log.ts'
import { trapSignals } from './signals.ts'

test('servers that can not be stopped make the status 3', async (t) => {
  const lines: string[] = []
  const log = { line: (level, text) => void lines.push(`${level} ${text}`) } as Partial<Log> as Log
  const before = process.eventNames()
  const code = await new Promise<number>((resolve) => {
    const signals = trapSignals(log, async (status) => resolve(status))
    t.after(() => {
      for (const name of process.eventNames()) if (!before.includes(name)) process.removeAllListeners(name)
    })
    signals.serve({ shutdown: () => Promise.reject(new Error('stuck')) } as Partial<Instance> as Instance)
    process.emit('SIGTERM')
  })
  assert.equal(code, 3)
  assert.deepEqual(lines, ['info SIGTERM: Shutting down servers then terminating', 'error stuck'])
})
