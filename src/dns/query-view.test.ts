import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeMessage } from './codec.ts'
import { RD } from './constants.ts'
import { keyOf } from './name.ts'
import { rebuildQuery } from './query-build.ts'
import { QueryView, readQuery, type Verdict } from './query-view.ts'

const question = { name: 'www.Example.org.', type: 'AAAA' }
const opt = {
  udpSize: 1232,
  version: 0,
  flags: 0x8000,
  options: [{ code: 10, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }],
}
const plain = encodeMessage({ id: 0x1234, flags: RD, question })
const edns = encodeMessage({ id: 0x1234, flags: RD, question, opt })
const OPT = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]

/** A copy with octets changed. */
function change(packet: Uint8Array, ...changes: [at: number, ...octets: number[]][]): Uint8Array {
  const copy = packet.slice()
  for (const [at, ...octets] of changes) copy.set(octets, at)
  return copy
}

function join(...parts: (Uint8Array | number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

/** A header for one question and this many additional records, then the octets. */
function query(additionals: number, ...octets: number[]): Uint8Array {
  return join([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, additionals], octets)
}

const header = plain.subarray(0, 12)
const asked = plain.subarray(12)
const withOpt = (...octets: number[]) => join(change(header, [11, 1]), asked, octets)

const cases: [what: string, packet: Uint8Array, verdict: Verdict, rcode: number][] = [
  ['a query', plain, 'serve', 0],
  ['a query with EDNS', edns, 'serve', 0],
  ['nothing', new Uint8Array(0), 'drop', 0],
  ['11 octets', plain.subarray(0, 11), 'drop', 0],
  ['a reply', change(plain, [2, 0x80]), 'drop', 0],
  ['a reply with an error', change(plain, [2, 0x80, 5]), 'drop', 0],
  ['no question', change(plain, [5, 0]), 'header-only', 1],
  ['two questions', change(plain, [5, 2]), 'header-only', 1],
  ['65535 questions', change(plain, [4, 255, 255]), 'header-only', 1],
  ['IQUERY', change(plain, [2, 0x09]), 'header-only', 4],
  ['STATUS', change(plain, [2, 0x11]), 'header-only', 4],
  ['opcode 3', change(plain, [2, 0x19]), 'header-only', 4],
  ['UPDATE', change(plain, [2, 0x29]), 'header-only', 4],
  ['DSO', change(plain, [2, 0x31]), 'header-only', 4],
  ['opcode 15', change(plain, [2, 0x79]), 'header-only', 4],
  ['NOTIFY', change(plain, [2, 0x21]), 'serve', 0],
  ['TC, AA, RA, Z and an rcode in a query', change(plain, [2, 0x07, 0xff]), 'serve', 0],
  ['two answers counted', change(plain, [7, 2]), 'header-only', 1],
  ['65535 additional records counted', change(plain, [10, 255, 255]), 'header-only', 1],
  ['an answer counted that is not there', change(plain, [7, 1]), 'formerr', 1],
  ['a header alone', header, 'no-question', 2],
  ['a question cut before its class', plain.subarray(0, -2), 'header-only', 1],
  ['a pointer to itself', query(0, 0xc0, 12, 0, 1, 0, 1), 'header-only', 1],
  ['a pointer into the header', query(0, 0xc0, 0, 0, 1, 0, 1), 'header-only', 1],
  ['a pointer forwards', query(0, 0xc0, 18, 0, 1, 0, 1, 0), 'header-only', 1],
  ['half a pointer', query(0, 0xc0), 'header-only', 1],
  ['a label of 64 octets', query(0, 64, ...new Array(64).fill(97), 0, 0, 1, 0, 1), 'header-only', 1],
  ['a bit string label', query(0, 0x41, 8, 1, 0, 0, 1, 0, 1), 'header-only', 1],
  ['a name of 255 octets', query(0, ...new Array(127).fill([1, 97]).flat(), 0, 0, 1, 0, 1), 'serve', 0],
  ['a name of 257 octets', query(0, ...new Array(128).fill([1, 97]).flat(), 0, 0, 1, 0, 1), 'header-only', 1],
  ['a NUL, a dot and 0xff in labels', query(0, 3, 0, 46, 255, 0, 0, 1, 0, 1), 'serve', 0],
  ['garbage behind', join(plain, new Array(500).fill(0xaa)), 'serve', 0],
  ['EDNS version 1', change(edns, [edns.length - 12 - 5, 1]), 'badvers', 16],
  ['EDNS version 255', change(edns, [edns.length - 12 - 5, 255]), 'badvers', 16],
  ['an OPT', withOpt(...OPT), 'serve', 0],
  ['two OPT', change(withOpt(...OPT, ...OPT), [11, 2]), 'formerr', 1],
  ['an OPT that belongs to a name', withOpt(1, 97, ...OPT), 'formerr', 1],
  ['an OPT among the answers', change(withOpt(...OPT), [7, 1], [11, 0]), 'formerr', 1],
  ['an OPT among the authorities', change(withOpt(...OPT), [9, 1], [11, 0]), 'formerr', 1],
  ['an OPT cut short', withOpt(...OPT.slice(0, -1)), 'formerr', 1],
  ['an OPT whose data runs past the end', withOpt(...OPT.slice(0, -1), 4, 0, 3, 0), 'formerr', 1],
  ['an option cut short', withOpt(...OPT.slice(0, -1), 3, 0, 3, 0), 'formerr', 1],
  ['an option that runs past the OPT', withOpt(...OPT.slice(0, -1), 4, 0, 3, 0, 1), 'formerr', 1],
  ['300 options', withOpt(...OPT.slice(0, -2), 1200 >> 8, 1200 & 255, ...new Array(1200).fill(0)), 'serve', 0],
  ['a record whose data runs past the end', withOpt(0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 9, 1), 'formerr', 1],
  ['another record behind the OPT', change(withOpt(...OPT, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0), [11, 2]), 'serve', 0],
]

describe('readQuery', () => {
  for (const [what, packet, verdict, rcode] of cases) {
    test(`${what}: ${verdict}`, () => {
      const view = new QueryView()
      assert.equal(readQuery(packet, view), verdict)
      assert.equal(view.rcode, rcode)
    })
  }

  test('fields of a query', () => {
    const view = new QueryView()
    readQuery(edns, view)
    const { id, flags, key, qtype, qclass, questionEnd, udpSize, ednsFlags } = view
    assert.deepEqual(
      { id, flags, key, qtype, qclass, questionEnd, udpSize, ednsFlags },
      {
        id: 0x1234,
        flags: RD,
        key: keyOf('www.example.org.'),
        qtype: 28,
        qclass: 1,
        questionEnd: 33,
        udpSize: 1232,
        ednsFlags: 0x8000,
      },
    )
    assert.deepEqual([...edns.subarray(view.optionsStart, view.optionsEnd)], [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8])
    assert.ok(view.edns && view.dnssecOk)
  })

  test('nothing of the query before is left in a view', () => {
    const view = new QueryView()
    readQuery(edns, view)
    readQuery(plain, view)
    const fresh = new QueryView()
    readQuery(plain, fresh)
    assert.deepEqual({ ...view }, { ...fresh })
  })

  test('the packet of a view is no Buffer, so that `slice` copies', () => {
    const view = new QueryView()
    const packet = Buffer.from(plain)
    readQuery(packet, view)
    const kept = view.packet.slice()
    packet.fill(0)
    assert.deepEqual(kept, plain)
  })

  test('`www.example` as one label is not two labels', () => {
    const view = new QueryView()
    readQuery(encodeMessage({ flags: 0, question: { name: 'www\\.example.', type: 'A' } }), view)
    assert.notEqual(view.key, keyOf('www.example.'))
  })
})

describe('rebuildQuery', () => {
  const view = new QueryView()
  const read = (packet: Uint8Array) => {
    const next = new QueryView()
    assert.equal(readQuery(packet, next), 'serve')
    return next
  }

  test('without changes the query stays as it is', () => {
    for (const packet of [plain, edns]) {
      readQuery(packet, view)
      assert.deepEqual(rebuildQuery(view, {}), packet)
    }
  })

  test('other records are left out', () => {
    readQuery(change(withOpt(...OPT, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0), [11, 2]), view)
    assert.deepEqual(rebuildQuery(view, {}), withOpt(...OPT))
  })

  test('each part can be changed', () => {
    readQuery(edns, view)
    const next = read(rebuildQuery(view, { id: 1, flags: 0, name: 'a.b.', qtype: 1, qclass: 3 }))
    assert.deepEqual([next.id, next.flags, next.key, next.qtype, next.qclass], [1, 0, keyOf('a.b.'), 1, 3])
    assert.equal(next.udpSize, 1232)
    assert.equal(read(rebuildQuery(view, { edns: null })).edns, false)
    const other = read(rebuildQuery(view, { edns: { udpSize: 512, flags: 0, options: [] } }))
    assert.deepEqual([other.udpSize, other.dnssecOk, other.optionsEnd - other.optionsStart], [512, false, 0])
  })
})

test('a view has the key of its name in any case, and no other', () => {
  const view = new QueryView()
  for (const name of ['Www.example.', 'wwW.EXAMPLE.', 'example.', '.']) {
    readQuery(encodeMessage({ flags: 0, question: { name, type: 'A' } }), view)
    const others = ['xww.example.', 'w.example.', 'org.'].map(keyOf)
    for (const _ of ['compared with octets', 'compared with the key once it is made']) {
      assert.ok(view.hasKey(keyOf(name)))
      assert.ok(!others.some((key) => view.hasKey(key)))
      assert.equal(view.key, keyOf(name))
    }
  }
})
