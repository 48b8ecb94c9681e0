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

test('of two servers that forward to each other one ends, though both join equal questions', async () => {
  const [a = 0, b = 0] = await findFreePorts(2)
  const corefile = (own: number, other: number) =>
    `.:${own} {\n  bind 127.0.0.1\n  cache\n  loop\n  forward . 127.0.0.1:${other} {\n    force_tcp\n  }\n}\n`
  const ends = [
    [a, b],
    [b, a],
  ].map(([own, other]) => startCli(['-conf', 'stdin'], { input: corefile(own!, other!) }).ended)
  const { code, stdout } = await Promise.race(ends)
  assert.equal(code, 1)
  assert.match(stdout, /\n\[FATAL\] plugin\/loop: Loop /)
})
