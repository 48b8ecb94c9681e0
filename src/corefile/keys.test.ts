import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readKeys } from './keys.ts'

const token = (text: string) => ({
  text,
  position: { file: 'Corefile', line: 1, column: 1, length: text.length, imports: [] },
})

const GOOD: [key: string, transport: string, zones: string[], port: number, warning?: string][] = [
  ['.', 'dns', ['.'], 1053],
  ['.:53', 'dns', ['.'], 53],
  ['Example.ORG', 'dns', ['example.org.'], 1053],
  ['example.org.:0', 'dns', ['example.org.'], 0],
  ['example.org:+053', 'dns', ['example.org.'], 53],
  ['example.org:-0', 'dns', ['example.org.'], 0],
  ['dns://example.org', 'dns', ['example.org.'], 1053],
  ['tls://.', 'tls', ['.'], 853],
  ['tls://.:5353', 'tls', ['.'], 5353],
  ['quic://.', 'quic', ['.'], 853],
  ['https://.', 'https', ['.'], 443],
  ['https3://.', 'https3', ['.'], 443],
  ['grpc://.', 'grpc', ['.'], 443],
  ['10.0.0.0/24', 'dns', ['0.0.10.in-addr.arpa.'], 1053],
  ['10.1.2.3/8:5300', 'dns', ['10.in-addr.arpa.'], 5300],
  ['10.0.0.0/15', 'dns', ['0.10.in-addr.arpa.', '1.10.in-addr.arpa.'], 1053],
  ['0.0.0.0/0', 'dns', ['in-addr.arpa.'], 1053],
  ['10.0.0.0/33', 'dns', ['10.0.0.0/33.'], 1053, 'network-as-zone'],
  ['10.0.0.0/24.', 'dns', ['10.0.0.0/24.'], 1053, 'network-as-zone'],
  ['0/25.2.0.192.in-addr.arpa', 'dns', ['0/25.2.0.192.in-addr.arpa.'], 1053],
  ['a.org,b.org', 'dns', ['a.org,b.org.'], 1053, 'comma-in-zone'],
  ['a.org{', 'dns', ['a.org{.'], 1053, 'brace-in-zone'],
  ['{}', 'dns', ['{}.'], 1053, 'brace-in-zone'],
  ['TLS://.', 'dns', ['tls://.'], 1053, 'unknown-scheme'],
  ['udp://.:53', 'dns', ['udp://.'], 53, 'unknown-scheme'],
  ['a.org:dns', 'dns', ['a.org:dns.'], 1053, 'port-not-a-number'],
  ['a.org:53-60', 'dns', ['a.org:53-60.'], 1053, 'port-not-a-number'],
  ['a.org:99999999999999999999', 'dns', ['a.org:99999999999999999999.'], 1053, 'port-not-a-number'],
  ['1.2.3.4', 'dns', ['1.2.3.4.'], 1053, 'address-as-zone'],
  ['::1', 'dns', [':.'], 1, 'address-as-zone'],
]
for (const [key, transport, zones, port, warning] of GOOD) {
  test(`key ${key}`, () => {
    const { keys, diagnostics } = readKeys([token(key)], 1053)
    assert.deepEqual(keys, [{ transport, zones, port, token: token(key) }])
    assert.deepEqual(
      diagnostics.map(({ code, severity }) => [code, severity]),
      warning ? [[warning, 'warning']] : [],
    )
  })
}

test('a network between boundaries stands for as many zones', () => {
  const count = (key: string) => readKeys([token(key)], 53).keys[0]!.zones.length
  assert.deepEqual(['10.0.0.0/24', '10.0.0.0/27', '10.0.0.0/17', '2001:db8::/33'].map(count), [1, 32, 128, 8])
})

const BAD: [key: string, code: string, phrase: string][] = [
  ['', 'key-without-port', 'expecting data after last colon: ""'],
  ['.:', 'key-without-port', 'expecting data after last colon: ".:"'],
  ['tls://', 'key-without-port', 'expecting data after last colon'],
  ['2001:db8::', 'key-without-port', 'expecting data after last colon'],
  [':53', 'key-bad-zone', 'zone is not a valid domain name: '],
  ['a..b', 'key-bad-zone', 'zone is not a valid domain name: a..b'],
  ['a'.repeat(64), 'key-bad-zone', 'zone is not a valid domain name'],
  ['a.'.repeat(130), 'zone-too-long', 'specified zone is too long: 260 > 255'],
  ['::/0', 'key-bad-network', 'invalid CIDR ::/0'],
  ['0:db8::/32', 'key-bad-network', 'invalid CIDR'],
  ['.:65536', 'key-bad-port', 'invalid port'],
  ['.:-1', 'key-bad-port', 'invalid port'],
]
for (const [key, code, phrase] of BAD) {
  test(`key '${key.slice(0, 20)}' is refused`, () => {
    const { keys, diagnostics } = readKeys([token(key)], 53)
    assert.deepEqual(keys, [])
    assert.deepEqual(
      diagnostics.map((each) => [each.code, each.severity]),
      [[code, 'error']],
    )
    assert.ok(diagnostics[0]!.message.includes(phrase), diagnostics[0]!.message)
  })
}

test('unix:// makes no server and says so', () => {
  const { keys, diagnostics } = readKeys([token('unix:///run/dns.sock')], 53)
  assert.deepEqual(keys, [])
  assert.equal(diagnostics[0]!.severity, 'warning')
})

test('one bad key does not hide the others', () => {
  const { keys, diagnostics } = readKeys([token(':53'), token('a.org'), token('b..')], 53)
  assert.deepEqual(
    keys.map(({ zones }) => zones),
    [['a.org.']],
  )
  assert.equal(diagnostics.length, 2)
})
