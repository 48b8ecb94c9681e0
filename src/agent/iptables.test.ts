import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../testing/fake-clock.ts'
import type { Exec } from './exec.ts'
import { Iptables } from './iptables.ts'
import type { IptablesCommands } from './iptables-flavour.ts'
import { NodeError } from './node-error.ts'
import { listRules } from './rules.ts'

const COMMANDS: IptablesCommands = {
  flavour: 'legacy',
  save: { ipv4: 'save', ipv6: 'save6' },
  restore: { ipv4: 'restore', ipv6: 'restore6' },
}
const WANTED = listRules(
  '10.96.0.10',
  { dnsPort: 53, healthPort: 8080, hostTraffic: false, socketMatch: true, typeMatch: true },
  true,
)

/** @param restore what a change of rules comes to, and how many milliseconds it takes */
function setUp(restore: () => { code: number; stderr: string; took: number }) {
  const clock = new FakeClock()
  const exec: Exec = async (command) => {
    if (!command.startsWith('restore')) return { code: 0, stdout: '', stderr: '' }
    const { took, ...outcome } = restore()
    await clock.advance(took)
    return { ...outcome, stdout: '' }
  }
  return new Iptables(exec, COMMANDS, 'insert', clock)
}

test('changes that take a second or longer have waited for the lock', async () => {
  const times = [20, 2500, 999]
  const iptables = setUp(() => ({ code: 0, stderr: '', took: times.shift()! }))
  for (let i = 0; i < 3; i++) await iptables.ensure(WANTED, ['10.96.0.10'], [])
  assert.deepEqual(iptables.waits, { count: 1, seconds: 2.5 })
})

test('a lock that stays is an error with its own label, and is not tried again at once', async () => {
  let calls = 0
  const iptables = setUp(() => {
    calls++
    return {
      code: 4,
      stderr: 'Another app is currently holding the xtables lock. Stopped waiting after 5s.',
      took: 5000,
    }
  })
  await assert.rejects(
    iptables.ensure(WANTED, ['10.96.0.10'], []),
    (error) => error instanceof NodeError && error.problem === 'iptables_lock',
  )
  assert.deepEqual([calls, iptables.waits], [1, { count: 1, seconds: 5 }])
})

test('who may not look is told so', async () => {
  const exec: Exec = async () => ({ code: 3, stdout: '', stderr: "can't initialize: Permission denied" })
  await assert.rejects(new Iptables(exec, COMMANDS, 'insert').list(), /Permission denied/)
})
