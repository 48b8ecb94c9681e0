import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { Ownership } from './ownership.ts'

const linkName = () => `test${randomBytes(4).toString('hex')}`

test('agents see the addresses of the others, each once', async () => {
  const name = linkName()
  const [a, b, c, elsewhere] = [
    new Ownership(name),
    new Ownership(name),
    new Ownership(name),
    new Ownership(linkName()),
  ]
  await a.claim(['10.0.0.1', 'fd00::a'])
  await b.claim(['10.0.0.1'])
  await elsewhere.claim(['10.0.0.9'])
  assert.deepEqual(new Set(await c.others()), new Set(['10.0.0.1', 'fd00::a']))
  assert.deepEqual(await a.others(), ['10.0.0.1'])
  await b.release()
  assert.deepEqual(await a.others(), [])
  await Promise.all([a.release(), elsewhere.release()])
  assert.deepEqual(await c.others(), [])
})

test('an agent that is killed is struck off by the kernel', async () => {
  const name = linkName()
  const script = `
    const { Ownership } = await import(${JSON.stringify(import.meta.resolve('./ownership.ts'))})
    await new Ownership(${JSON.stringify(name)}).claim(['10.0.0.1'])
    setInterval(() => {}, 1000)
    console.log('claimed')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const ownership = new Ownership(name)
  assert.deepEqual(await ownership.others(), ['10.0.0.1'])
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.deepEqual(await ownership.others(), [])
})

test('only one at a time does what is exclusive', async () => {
  const name = linkName()
  let inside = 0
  let most = 0
  await Promise.all(
    Array.from({ length: 5 }, () =>
      new Ownership(name).exclusively(async () => {
        most = Math.max(most, ++inside)
        await new Promise((resolve) => setImmediate(resolve))
        inside--
      }),
    ),
  )
  assert.equal(most, 1)
  await assert.rejects(
    new Ownership(name).exclusively(() => Promise.reject(new Error('failed'))),
    /failed/,
  )
  assert.equal(await new Ownership(name).exclusively(async () => 'free again'), 'free again')
})

test('agents see where queries are led by others, which is not where they are to be led', async () => {
  const name = linkName()
  const [a, b] = [new Ownership(name), new Ownership(name)]
  await a.claim(['10.0.0.1'])
  assert.deepEqual([await b.others(), await b.leaders()], [['10.0.0.1'], []])
  await a.lead(['10.0.0.1'])
  assert.deepEqual(
    [await b.leaders(), await a.leaders(), await new Ownership(linkName()).leaders()],
    [['10.0.0.1'], [], []],
  )
  await a.lead([])
  assert.deepEqual(await b.leaders(), [])
  await a.lead(['10.0.0.1'])
  await a.release()
  assert.deepEqual([await b.others(), await b.leaders()], [[], []])
})
