import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { findFreePorts } from '../kit/ports.ts'
import { killLeftovers, startCli } from '../kit/process.ts'

after(killLeftovers)

test('a server that forwards to itself ends with status 1', async () => {
  const [port = 0] = await findFreePorts(1)
  const input = `.:${port} {\n  bind 127.0.0.1\n  loop\n  forward . 127.0.0.1:${port}\n}\n`
  const { code, stdout } = await startCli(['-conf', 'stdin'], { input }).ended
  assert.equal(code, 1)
  assert.match(
    stdout,
    /\n\[FATAL\] plugin\/loop: Loop \(127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+\) detected for zone "\.", see \S+ Query: "HINFO \d+\.\d+\."\n$/,
  )
})
