import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { type Carried, RCODES } from 'corelet/plugin'
import { FakeClock, fakeContext, startPlugin, startServer, toQuery, toReply } from 'corelet/plugin/testing'
import fc from 'fast-check'
import cache from './index.ts'
import { A, brief, NAME, NX, type Step, upstream } from './testing.ts'

const folder = mkdtempSync(join(tmpdir(), 'snapshot-'))
after(() => rmSync(folder, { recursive: true }))
let folders = 0
const newFolder = () => {
  const path = join(folder, String(++folders))
  mkdirSync(path)
  return path
}

/** A clock of a process that started when the wall clock showed `ahead` milliseconds more than that of the others. */
class LaterClock extends FakeClock {
  readonly #ahead: number

  constructor(ahead: number) {
    super()
    this.#ahead = ahead
  }

  override wall(): number {
    return super.wall() + this.#ahead
  }
}

/** A server's life with a cache: it starts, asks, ends. */
async function live(path: string, { ahead = 0, options = '' } = {}, ...steps: Step[]) {
  const states: Carried[] = []
  const context = fakeContext({
    plugin: 'cache',
    carry(_fingerprint, make) {
      const state = make()
      states.push(state)
      return state
    },
  })
  const plugin = await startPlugin(
    cache,
    `cache {\nsnapshot ${path}\n${options}\n}`,
    Object.assign(context, { clock: new LaterClock(ahead) }),
  )
  const next = upstream(...(steps.length > 0 ? steps : [new Error('asked')]))
  return {
    clock: context.clock,
    lines: context.lines,
    asked: next.asked,
    ask: (name = NAME, type = 'A') => plugin.askNow(toQuery(name, type), next),
    async end() {
      for (const state of states) await state.release?.()
      return context.lines
    },
  }
}

/** A folder with the snapshot of one answer with a TTL of 300 s; the file in it. */
async function save(): Promise<{ path: string; file: string }> {
  const path = newFolder()
  const first = await live(path, {}, { answers: [A(300)] })
  first.ask()
  await first.end()
  const [name] = readdirSync(path)
  return { path, file: join(path, name!) }
}

describe('a restart', () => {
  test('goes on with what was cached, less the time that passed', async () => {
    const path = newFolder()
    const first = await live(path, {}, { answers: [A(300)] }, NX, (query) => {
      query.setMetadata('zone/wildcard', () => '*.example.org.')
      return toReply(query, { answers: [`${query.name} 60 IN A 192.0.2.9`] })
    })
    first.ask()
    await first.clock.advance(10_000)
    first.ask('none.example.org.')
    first.ask('wild.example.org.')
    await first.clock.advance(20_000)
    assert.match((await first.end()).join(), /^\[INFO\] plugin\/cache: 3 entries written to .*cache-[0-9a-f]{16}$/)

    const second = await live(path, { ahead: 35_000 })
    assert.match(second.lines.join(), /^\[INFO\] plugin\/cache: 3 entries read from /)
    assert.deepEqual(brief(second.ask()), ['192.0.2.1', 265])
    const denied = second.ask('none.example.org.')
    assert.deepEqual([denied.rcode, denied.authorities[0]?.ttl], [RCODES.NXDOMAIN, 275])
    assert.deepEqual(brief(second.ask('wild.example.org.')), ['192.0.2.9', 35])
    await second.clock.advance(265_000)
    assert.throws(() => second.ask(), /asked/)
  })

  test('forgets what expired meanwhile, but for serve_stale', async () => {
    for (const [options, hit] of [
      ['', false],
      ['serve_stale 1h', true],
      ['serve_stale 5s', false],
    ] as const) {
      const path = newFolder()
      const first = await live(path, { options }, { answers: [A(300)] })
      first.ask()
      await first.end()
      const second = await live(path, { ahead: 310_000, options }, { answers: [A(60, '192.0.2.2')] })
      assert.equal(brief(second.ask())[0], hit ? '192.0.2.1' : '192.0.2.2', options)
    }
  })

  test('with a clock that was set back gives no TTL above the rest of the original', async () => {
    const path = newFolder()
    const first = await live(path, { ahead: 86_400_000 }, { answers: [A(300)] })
    first.ask()
    await first.clock.advance(100_000)
    await first.end()
    assert.deepEqual(brief((await live(path)).ask()), ['192.0.2.1', 200])
  })

  test('keeps the order of use and what is served after a failure', async () => {
    const path = newFolder()
    const first = await live(path, {}, (query) => query.fail(RCODES.SERVFAIL, 'forward', 'no upstream'))
    first.ask()
    await first.end()
    const second = await live(path)
    const reply = second.ask()
    assert.deepEqual([reply.rcode, reply.plugin, reply.error], [RCODES.SERVFAIL, 'forward', 'no upstream'])
  })

  test('without a file begins empty and says nothing', async () => {
    const second = await live(newFolder(), {}, { answers: [A(300)] })
    assert.deepEqual(second.lines, [])
    assert.equal(second.ask().plugin, 'upstream')
  })
})

describe('a file is refused without harm', () => {
  const sign = (octets: Buffer) => Buffer.concat([octets, createHash('sha256').update(octets).digest()])
  const cases: [what: string, change: (file: string, octets: Buffer) => void, why: string, options?: string][] = [
    ['empty', (file) => writeFileSync(file, ''), 'no snapshot of a cache'],
    ['foreign', (file) => writeFileSync(file, 'x'.repeat(1000)), 'no snapshot of a cache'],
    ['cut off', (file, octets) => writeFileSync(file, octets.subarray(0, -1)), 'damaged'],
    ['longer', (file, octets) => writeFileSync(file, Buffer.concat([octets, octets])), 'damaged'],
    ['with one bit changed', (file, octets) => writeFileSync(file, octets.with(100, octets[100]! ^ 1)), 'damaged'],
    ['too large', (file) => writeFileSync(file, Buffer.alloc(131_073)), 'larger than max_bytes', 'max_bytes 128K'],
    ['of another version', (file, octets) => writeFileSync(file, octets.with(14, 0x32)), 'no snapshot of a cache'],
    [
      'of a cache with other options',
      (file, octets) => writeFileSync(file, sign(Buffer.from(octets.subarray(0, -32).with(20, octets[20]! ^ 1)))),
      'of a cache with other options',
    ],
    [
      'of a folder',
      (file) => {
        rmSync(file)
        mkdirSync(file)
      },
      'not a file',
    ],
    [
      'with an entry that ends behind it',
      (file, octets) => writeFileSync(file, sign(Buffer.from(octets.subarray(0, -32).with(56, 1)))),
      'an entry longer than the file',
    ],
    [
      'with an answer to another question',
      (file, octets) => writeFileSync(file, sign(Buffer.from(octets.subarray(0, -32).with(62, 28)))),
      'an entry that can not be',
    ],
  ]
  for (const [what, change, why, options = ''] of cases) {
    test(what, async () => {
      const path = newFolder()
      const first = await live(path, { options }, { answers: [A(300)] })
      first.ask()
      await first.end()
      const file = join(path, readdirSync(path)[0]!)
      change(file, readFileSync(file))
      const second = await live(path, { options }, { answers: [A(60, '192.0.2.2')] })
      assert.deepEqual(second.lines, [`[WARNING] plugin/cache: snapshot ${file} is not used: ${why}`])
      assert.equal(brief(second.ask())[0], '192.0.2.2')
    })
  }

  test('whatever is in it', async () => {
    const { path, file } = await save()
    const good = readFileSync(file).subarray(0, -32)
    const change = fc.record({
      at: fc.integer({ min: 56, max: good.length - 1 }),
      octet: fc.integer({ max: 255, min: 0 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(good.length), async (changes, cut) => {
        const octets = Buffer.from(good.subarray(0, Math.max(56, good.length - (cut % 3 === 0 ? cut : 0))))
        for (const { at, octet } of changes) if (at < octets.length) octets[at] = octet
        writeFileSync(file, sign(octets))
        const second = await live(path, {}, { answers: [A(60, '192.0.2.2')] })
        assert.match(second.lines.join('\n'), /^\[(INFO|WARNING)\] plugin\/cache: [^\n]+$/)
        const reply = second.ask()
        for (const { ttl } of reply.answers) assert.ok((ttl ?? 0) >= 0)
      }),
      { numRuns: 500 },
    )
  })
})

describe('writing', () => {
  test('that fails leaves a line and nothing else', async () => {
    const missing = join(folder, 'missing')
    const first = await live(missing, {}, { answers: [A(300)] })
    first.ask()
    assert.match((await first.end()).join(), /^\[ERROR\] plugin\/cache: snapshot .* could not be written: ENOENT/)
  })

  test('takes the place of the old file in one step, readable for its owner alone', async () => {
    const { path, file } = await save()
    chmodSync(file, 0o644)
    const second = await live(path)
    second.ask()
    await second.end()
    assert.deepEqual(readdirSync(path).length, 1)
    assert.match((await live(path)).lines.join(), /1 entries read/)
  })

  test('is left to the process that is at it; what a killed one left is removed', async () => {
    const { path, file } = await save()
    const before = readFileSync(file)
    const second = await live(path)
    writeFileSync(`${file}.tmp`, 'half')
    utimesSync(`${file}.tmp`, second.clock.wall() / 1000, second.clock.wall() / 1000)
    assert.match((await second.end()).join(), /is being written already/)
    assert.deepEqual([readFileSync(file), readFileSync(`${file}.tmp`, 'utf8')], [before, 'half'])
    const third = await live(path)
    utimesSync(`${file}.tmp`, third.clock.wall() / 1000 - 60, third.clock.wall() / 1000 - 60)
    assert.match((await third.end()).join(), /1 entries written/)
    assert.equal(readdirSync(path).length, 1)
  })

  test('gives up after two seconds, and the old file stays', async () => {
    const { path, file } = await save()
    const before = readFileSync(file)
    const second = await live(path)
    let now = 0
    second.clock.monotonic = () => (now += 3000)
    assert.match((await second.end()).join(), /could not be written: not written within 2 s/)
    assert.deepEqual([readFileSync(file), readdirSync(path).length], [before, 1])
  })
})

test('a whole server: written when it ends, read when it starts; a reload neither writes nor reads', async () => {
  const path = newFolder()
  const corefile = `.:0 {\n  bind 127.0.0.1\n  cache {\n    snapshot ${path}\n  }\n  hosts {\n    192.0.2.7 a.test\n  }\n}\n`
  const first = await startServer(corefile)
  assert.equal((await first.query('a.test.', 'A')).answers.length, 1)
  assert.deepEqual(await first.reload(`${corefile}# changed\n`), { ok: true })
  assert.deepEqual(readdirSync(path), [])
  await first.stop()
  assert.match(first.lines.join('\n'), /1 entries written to/)
  const second = await startServer(corefile)
  assert.match(second.lines.join('\n'), /1 entries read from/)
  await second.stop()
  const third = await startServer(corefile.replace('192.0.2.7', '192.0.2.8'))
  assert.equal((await third.query('a.test.', 'A')).answers[0]?.data, '192.0.2.8')
  await third.stop()
  assert.equal(readdirSync(path).length, 1)
})
