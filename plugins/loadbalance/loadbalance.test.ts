import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { RCODES, Reply, scanReply } from 'corelet/plugin'
import { fakeContext, type MessageText, settle, startPlugin, toQuery, toReply } from 'corelet/plugin/testing'
import { temporaryFolder } from '../../test/kit/folder.ts'
import cache from '../cache/index.ts'
import loadbalance from './index.ts'

const folder = temporaryFolder('loadbalance')

const A = (n: number, owner = 'www.example.org.') => `${owner} 60 IN A 192.0.2.${n}`
const AAAA = (n: number) => `www.example.org. 60 IN AAAA 2001:db8::${n}`
const MX = (n: number) => `www.example.org. 60 IN MX 10 mx${n}.example.org.`
const CNAME = 'alias.example.org. 60 IN CNAME www.example.org.'
const SIGNATURE = 'www.example.org. 60 IN TXT "other"'

const show = (records: Reply['answers']) =>
  records.map(({ type, data }) => `${type} ${type === 'MX' ? (data as { exchange: string }).exchange : data}`)

/** Asks so often that every order is all but certain to be seen. */
async function ordersOf(
  text: string,
  message: MessageText,
  type = 'A',
  section: 'answers' | 'authorities' | 'additionals' = 'answers',
) {
  const { askNow } = await startPlugin(loadbalance, text)
  const query = toQuery('www.example.org.', type)
  const reply = toReply(query, message)
  const before = Uint8Array.from(reply.wire!)
  const orders = new Map<string, number>()
  for (let i = 0; i < 400; i++) {
    const balanced = askNow(query, () => reply)
    assert.deepEqual(scanReply(balanced.wire!), balanced.scan, 'the scan is of these octets')
    const rows = show(balanced[section])
    assert.deepEqual(rows.toSorted(), show(reply[section]).sort(), 'no record is lost')
    const order = rows.join(', ')
    orders.set(order, (orders.get(order) ?? 0) + 1)
  }
  assert.deepEqual(reply.wire, before, 'the octets of the cache are left alone')
  return orders
}

describe('round_robin', () => {
  test('addresses of one owner change places', async () => {
    const orders = await ordersOf('loadbalance', { answers: [A(1), A(2), A(3)] })
    assert.equal(orders.size, 6)
    for (const count of orders.values()) assert.ok(count > 20, 'no order is rare')
  })

  test('CNAMEs come first, then other records, addresses, MX', async () => {
    const orders = await ordersOf('loadbalance', { answers: [MX(1), A(1), SIGNATURE, AAAA(2), CNAME] })
    assert.deepEqual([...orders.keys()].sort(), [
      'CNAME www.example.org., TXT other, A 192.0.2.1, AAAA 2001:db8::2, MX mx1.example.org.',
      'CNAME www.example.org., TXT other, AAAA 2001:db8::2, A 192.0.2.1, MX mx1.example.org.',
    ])
  })

  test('MX change places', async () => {
    assert.equal((await ordersOf('loadbalance', { answers: [MX(1), MX(2), MX(3)] }, 'MX')).size, 6)
  })

  test('authority and additional section, too, with several owners', async () => {
    const message = {
      answers: [A(1)],
      authorities: [A(1), A(2)],
      additionals: [A(1, 'ns1.example.org.'), A(2, 'ns2.example.org.'), A(3, 'ns2.example.org.')],
    }
    assert.equal((await ordersOf('loadbalance', message, 'A', 'authorities')).size, 2)
    assert.equal((await ordersOf('loadbalance', message, 'A', 'additionals')).size, 6)
  })

  test('single records, failures, silence, denials and transfers pass as they are', async () => {
    const { askNow } = await startPlugin(loadbalance, 'loadbalance')
    const pass = (reply: Reply, type = 'A') => {
      const query = toQuery('www.example.org.', type)
      assert.equal(
        askNow(query, () => reply),
        reply,
      )
    }
    const query = toQuery('www.example.org.')
    pass(toReply(query, { answers: [A(1)] }))
    pass(toReply(query, { answers: [SIGNATURE, A(1)] }))
    pass(toReply(query, { answers: [A(1), A(2)], rcode: RCODES.NXDOMAIN }))
    pass(toReply(query, { answers: [A(1), A(2)] }), 'AXFR')
    pass(toReply(query, { answers: [A(1), A(2)] }), 'IXFR')
    pass(query.fail(RCODES.SERVFAIL, 'test', undefined))
    pass(query.drop('test', ''))
  })

  test('networks to prefer come first, in their order; the rest comes last', async () => {
    const text =
      'loadbalance {\nprefer 198.51.100.0/24 2001:db8::/32\n}\nloadbalance round_robin {\nprefer 192.0.2.4/32\n}'
    const other = 'www.example.org. 60 IN A 198.51.100.7'
    const answers = [SIGNATURE, MX(1), A(4), A(1), AAAA(1), other, CNAME]
    const orders = await ordersOf(text, { answers })
    assert.deepEqual(
      [...orders.keys()],
      [
        'CNAME www.example.org., A 198.51.100.7, AAAA 2001:db8::1, A 192.0.2.4, A 192.0.2.1, MX mx1.example.org., TXT other',
      ],
    )
  })

  test('preferred or not, addresses of one network are mixed; the authority section knows no preference', async () => {
    const text = 'loadbalance {\nprefer 192.0.2.4/30\n}'
    const message = { answers: [A(1), A(2), A(4), A(5)], authorities: [SIGNATURE, A(1), A(4)] }
    const orders = [...(await ordersOf(text, message)).keys()]
    assert.equal(orders.length, 4)
    for (const order of orders) assert.match(order, /^A 192.0.2.[45], A 192.0.2.[45], A 192.0.2.[12], A 192.0.2.[12]$/)
    assert.equal((await ordersOf(text, message, 'A', 'authorities')).size, 2)
  })

  test('TTL and flags stay, for hits of the cache as well', async () => {
    const context = fakeContext()
    const balancer = await startPlugin(loadbalance, 'loadbalance')
    const { askNow } = await startPlugin(cache, 'cache', context)
    const upstream = (query: ReturnType<typeof toQuery>) => toReply(query, { answers: [A(1), A(2)], flags: 0x0080 })
    const firsts = new Set<unknown>()
    await context.clock.advance(0)
    for (let i = 0; i < 100; i++) {
      if (i === 1) await context.clock.advance(7000)
      const reply = balancer.askNow(toQuery('www.example.org.'), (query) => askNow(query, upstream))
      assert.deepEqual(
        reply.answers.map(({ ttl }) => ttl),
        i === 0 ? [60, 60] : [53, 53],
      )
      assert.ok(reply.flags & 0x0080)
      firsts.add(reply.answers[0]!.data)
    }
    assert.equal(firsts.size, 2)
  })

  test('names that point to the owner of an address stay what they are', async () => {
    const { askNow } = await startPlugin(loadbalance, 'loadbalance')
    const query = toQuery('www.example.org.')
    const made = toReply(query, {
      answers: [A(1), AAAA(2)],
      authorities: ['www.example.org. 60 IN NS www.example.org.'],
    })
    const wire = Uint8Array.from(made.wire!)
    const owner = made.scan!.ttlOffsets[1]! - 6
    wire.set([0xc0 | (owner >> 8), owner & 0xff], wire.length - 2)
    const reply = Reply.fromWire(wire, scanReply(wire), 'test', '')
    const orders = new Set<string>()
    for (let i = 0; i < 100; i++) {
      const balanced = askNow(query, () => reply)
      assert.deepEqual(show(balanced.authorities), ['NS www.example.org.'])
      orders.add(show(balanced.answers).join(', '))
    }
    assert.equal(orders.size, 2)
  })

  test('a promise is waited for', async () => {
    const { ask } = await startPlugin(loadbalance, 'loadbalance')
    const reply = await ask(toQuery('www.example.org.'), async (query) => toReply(query, { answers: [A(1), A(2)] }))
    assert.equal(reply.answers.length, 2)
  })
})

describe('weighted', () => {
  const start = async (content: string | undefined, reload = '30s') => {
    const file = join(folder, 'weights')
    await rm(file, { force: true })
    if (content !== undefined) await writeFile(file, content)
    const context = fakeContext({ plugin: 'loadbalance' })
    const started = await startPlugin(loadbalance, `loadbalance weighted ${file} {\nreload ${reload}\n}`, context)
    const firsts = (type = 'A', answers = [A(1), A(2), A(3)]) => {
      const seen: Record<string, number> = {}
      for (let i = 0; i < 1000; i++) {
        const reply = started.askNow(toQuery('www.example.org.', type), (query) => toReply(query, { answers }))
        const [first] = show(reply.answers)
        seen[first!] = (seen[first!] ?? 0) + 1
      }
      return seen
    }
    return { ...started, context, file, firsts }
  }

  test('addresses come first as often as their weights say, others as often as with weight 1', async () => {
    const { firsts, running } = await start('# weights\n\nWWW.example.org\n  192.0.2.1 8\n192.0.2.2 1\n')
    const seen = firsts()
    assert.ok(
      seen['A 192.0.2.1']! > 700 && seen['A 192.0.2.2']! > 30 && seen['A 192.0.2.3']! > 30,
      JSON.stringify(seen),
    )
    await running.stop!()
  })

  test('the one chosen changes places with the first; the order of kinds is kept', async () => {
    const { askNow, running } = await start('www.example.org.\n192.0.2.3 255\n')
    const orders = new Set<string>()
    for (let i = 0; i < 300; i++) {
      const reply = askNow(toQuery('www.example.org.'), (query) =>
        toReply(query, { answers: [MX(1), MX(2), A(1), A(2), A(3), CNAME], authorities: [A(1), A(3)] }),
      )
      orders.add(show(reply.answers).join(', '))
      assert.deepEqual(show(reply.authorities), ['A 192.0.2.1', 'A 192.0.2.3'])
    }
    const usual =
      'CNAME www.example.org., A 192.0.2.3, A 192.0.2.2, A 192.0.2.1, MX mx1.example.org., MX mx2.example.org.'
    assert.ok(orders.has(usual))
    await running.stop!()
  })

  test('answers to other types pass', async () => {
    const { askNow, running } = await start('www.example.org.\n192.0.2.3 255\n')
    const query = toQuery('www.example.org.', 'MX')
    const reply = toReply(query, { answers: [A(1), A(3)] })
    assert.equal(
      askNow(query, () => reply),
      reply,
    )
    await running.stop!()
  })

  test('a changed file is taken, one with mistakes is not', async () => {
    const { firsts, context, file, running } = await start('www.example.org.\n192.0.2.1 255\n')
    await writeFile(file, 'www.example.org.\n192.0.2.2 255\n192.0.2.1 1\n')
    await look(context, () => firsts()['A 192.0.2.2']! > 900)
    await writeFile(file, 'www.example.org.\n192.0.2.3 300\n')
    await look(context, () => context.lines.length > 0)
    await look(context, () => true)
    assert.ok(firsts()['A 192.0.2.2']! > 900)
    assert.deepEqual(context.lines, [`[ERROR] plugin/loadbalance: wrong weight value:"300" in weight file ${file}`])
    await running.stop!()
    assert.equal(context.clock.pending, 0)
  })

  test('a file that comes later is a warning, without reload an error', async () => {
    const { context, file, firsts, running } = await start(undefined)
    assert.match(context.lines[0]!, /^\[WARNING\] plugin\/loadbalance: Failed to open weight file: ENOENT/)
    await writeFile(file, 'www.example.org.\n192.0.2.2 255\n')
    await look(context, () => firsts()['A 192.0.2.2']! > 900)
    await running.stop!()
    await assert.rejects(start(undefined, '0'), /ENOENT/)
    await assert.rejects(
      start('192.0.2.1\n'),
      /wrong domain name:"192.0.2.1" in weight file .*\. \(Maybe a missing weight value\?\)/,
    )
    const { running: still, context: quiet } = await start('www.example.org.\n192.0.2.1 2\n', '0s')
    assert.equal(quiet.clock.pending, 0)
    await still.stop!()
  })

  /** Lets the file be looked at, until that shows. */
  async function look({ clock }: ReturnType<typeof fakeContext>, shows: () => boolean): Promise<void> {
    await clock.advance(30_000)
    for (let tries = 1000; tries > 0 && !shows(); tries--) await settle()
    assert.ok(shows())
  }
})
