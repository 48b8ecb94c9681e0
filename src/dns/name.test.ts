import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { TextError, WireError } from './errors.ts'
import {
  countLabels,
  fromText,
  isBelow,
  keyOf,
  keyToText,
  normalizeName,
  parentKey,
  readName,
  skipName,
  skippedLength,
  skippedSteps,
  toKey,
  toText,
} from './name.ts'
import { labels, toWire } from './testing/arbitraries.ts'

const wire = labels.map(toWire)

describe('names', () => {
  test('wire → text → wire changes no octet', () => {
    fc.assert(
      fc.property(wire, (octets) => assert.deepEqual(fromText(toText(octets)), octets)),
      { numRuns: 500 },
    )
  })

  test('key → text → key changes no octet, and lower case only letters', () => {
    fc.assert(
      fc.property(wire, (octets) => {
        const key = toKey(octets, 0, octets.length)
        assert.equal(keyOf(keyToText(key)), key)
        const lower = octets.map((octet, i) =>
          octet >= 0x41 && octet <= 0x5a && !isLength(octets, i) ? octet + 32 : octet,
        )
        assert.equal(key, Buffer.from(lower).toString('latin1'))
      }),
      { numRuns: 500 },
    )
  })

  test('isBelow compares labels', () => {
    fc.assert(
      fc.property(labels, labels, (above, below) => {
        const lower = (list: Uint8Array[]) => list.map((label) => Buffer.from(label).toString('latin1').toLowerCase())
        const [zone, name] = [above, below].map((list) => {
          const octets = toWire(list)
          return toKey(octets, 0, octets.length)
        })
        const ends = above.length === 0 || lower(below).slice(-above.length).join('\n') === lower(above).join('\n')
        assert.equal(isBelow(name!, zone!), ends && below.length >= above.length)
        assert.equal(countLabels(name!), below.length)
        const octets = toWire(below.slice(1))
        assert.equal(parentKey(name!), toKey(octets, 0, octets.length))
      }),
      { numRuns: 500 },
    )
  })

  const related: [name: string, zone: string, below: boolean][] = [
    ['example.org.', 'example.org.', true],
    ['www.EXAMPLE.org.', 'example.ORG.', true],
    ['example.org.', '.', true],
    ['.', '.', true],
    ['.', 'org.', false],
    ['org.', 'example.org.', false],
    ['badexample.org.', 'example.org.', false],
    ['a\\.example.org.', 'example.org.', false],
    // The last octets of the label are those of the zone in wire form.
    ['x\\007example\\003org.', 'example.org.', false],
  ]
  for (const [name, zone, below] of related) {
    test(`${name} is ${below ? '' : 'not '}below ${zone}`, () => assert.equal(isBelow(keyOf(name), keyOf(zone)), below))
  }
})

/** Whether the octet at `at` of a name is the length of a label. */
function isLength(octets: Uint8Array, at: number): boolean {
  let label = 0
  while (label < at) label += octets[label]! + 1
  return label === at
}

describe('text', () => {
  const same: [string, string][] = [
    ['', '.'],
    ['.', '.'],
    ['example.org', 'example.org.'],
    ['Example.ORG.', 'Example.ORG.'],
    ['a\\.b.c.', 'a\\.b.c.'],
    ['a\\046b.', 'a\\.b.'],
    ['\\097.', 'a.'],
    ['\\a.', 'a.'],
    ['a b.', 'a\\032b.'],
    ['\\000\\255.', '\\000\\255.'],
    ['"q";(x)@$\\\\.', '\\"q\\"\\;\\(x\\)\\@\\$\\\\.'],
    ["!#%&'*+,-/:<=>?[]^_`{|}~.", "!#%&'*+,-/:<=>?[]^_`{|}~."],
    ['ü.', '\\195\\188.'],
    [`${'a'.repeat(63)}.`, `${'a'.repeat(63)}.`],
    ['a.'.repeat(127), 'a.'.repeat(127)],
    ['__proto__.constructor.', '__proto__.constructor.'],
  ]
  for (const [text, expected] of same) {
    test(`${text.slice(0, 30)} is read`, () => {
      assert.equal(toText(fromText(text)), expected)
      assert.equal(normalizeName(text), expected.toLowerCase())
    })
  }

  const bad: [text: string, column: number, message: RegExp][] = [
    ['..', 0, /empty label/],
    ['a..b', 2, /empty label/],
    ['.a', 0, /empty label/],
    ['a\\', 1, /bad escape/],
    ['a\\12', 1, /bad escape/],
    ['a\\256', 1, /no octet/],
    ['a\\ü', 1, /bad escape/],
    ['a'.repeat(64), 63, /63 octets/],
    ['a.'.repeat(128), 254, /255 octets/],
    [`${`${'a'.repeat(63)}.`.repeat(3)}${'a'.repeat(62)}.`, 253, /255 octets/],
  ]
  for (const [text, column, message] of bad) {
    test(`${text.slice(0, 30)} is refused`, () => {
      assert.throws(
        () => fromText(text),
        (error) => error instanceof TextError && message.test(error.message) && error.column === column,
      )
    })
  }

  test('a name of 255 octets is read', () => {
    const text = `${`${'a'.repeat(63)}.`.repeat(3)}${'a'.repeat(61)}.`
    assert.equal(fromText(text).length, 255)
  })
})

describe('in messages', () => {
  /** `a.` at 12, `b.` and a pointer to it at 15, and what is given at 19. */
  const message = (...octets: number[]) =>
    Uint8Array.of(...new Array(12).fill(0), 1, 0x61, 0, 1, 0x62, 0xc0, 12, ...octets)

  test('pointers are followed', () => {
    const packet = message(1, 0x43, 0xc0, 15)
    assert.equal(skipName(packet, 19), 23)
    assert.equal(skippedLength(), 7)
    assert.equal(skippedSteps(), 5)
    assert.equal(toText(packet, 19), 'C.b.a.')
    assert.deepEqual([...readName(packet, 19)], [1, 0x43, 1, 0x62, 1, 0x61, 0])
  })

  const bad: [what: string, octets: number[]][] = [
    ['a pointer to itself', [0xc0, 19]],
    ['a pointer back into the same name', [1, 0x61, 0xc0, 19]],
    ['a pointer forwards', [0xc0, 21, 0]],
    ['a pointer into the header', [0xc0, 0]],
    ['a pointer past the end', [0xff, 0xff]],
    ['half a pointer', [0xc0]],
    ['a label of 64 octets', [64, ...new Array(64).fill(0x61), 0]],
    ['a label of type 10', [0x80, 0]],
    ['a bit string', [0x41, 0, 0]],
    ['a label past the end', [2, 0x61]],
    ['no root label', [1, 0x61]],
    ['256 octets', [...new Array(127).fill([1, 0x61]).flat(), 0xc0, 12]],
    ['nothing', []],
  ]
  for (const [what, octets] of bad) {
    test(`${what} is refused`, () => {
      for (const read of [skipName, readName, toText]) assert.throws(() => read(message(...octets), 19), WireError)
    })
  }

  test('loops of pointers are refused', () => {
    // 19 → 15 is fine; 15 → 19 makes a loop.
    const packet = message(0xc0, 15)
    packet[18] = 19
    assert.throws(() => skipName(packet, 19), WireError)
    assert.throws(() => skipName(packet, 15), WireError)
  })

  test('labels that a pointer leads to end in front of what led to them', () => {
    const packet = message(0xc0, 15)
    packet[12] = 2
    assert.throws(() => skipName(packet, 15), /not in front of it/, 'a label that runs into the pointer')
    assert.throws(() => skipName(Uint8Array.of(...new Array(12).fill(0), 0x30, 0, 1, 0xc0, 12, 9), 15), WireError)
  })

  test('127 pointers are followed, 128 are not', () => {
    const chain = new Uint8Array(12 + 3 + 256)
    chain.set([1, 0x61, 0], 12)
    for (let i = 0; i < 128; i++) {
      const target = i === 0 ? 12 : 13 + i * 2
      chain.set([0xc0 | (target >> 8), target & 0xff], 15 + i * 2)
    }
    assert.equal(toText(chain, 15 + 126 * 2), 'a.')
    assert.throws(() => skipName(chain, 15 + 127 * 2), /too many/)
  })
})
