import assert from 'node:assert/strict'
import test from 'node:test'
import { parseDuration } from './duration.ts'
import { hostPort, zone } from './values.ts'

const DURATIONS: [word: string, read: number | string][] = [
  ['0', 0],
  ['-0', 0],
  ['30s', 30_000],
  ['+1h1m1.5s', 3_661_500],
  ['-.5s', -500],
  ['1.ms', 1],
  ['1µs', 0.001],
  ['1μs', 0.001],
  ['1us', 0.001],
  ['2540400h', 2_540_400 * 3_600_000],
  ['', 'invalid duration ""'],
  ['-', 'invalid duration "-"'],
  ['x', 'invalid duration "x"'],
  ['s5', 'invalid duration "s5"'],
  ['.s', 'invalid duration ".s"'],
  ['--1s', 'invalid duration "--1s"'],
  ['2562048h', 'invalid duration "2562048h"'],
  ['30', 'missing unit in duration "30"'],
  ['1h30', 'missing unit in duration "1h30"'],
  ['1d', 'unknown unit "d" in duration "1d"'],
  ['1s 1m', 'unknown unit "s " in duration "1s 1m"'],
  ['1toString', 'unknown unit "toString" in duration "1toString"'],
]
for (const [word, read] of DURATIONS) {
  test(`duration ${word}`, () => assert.equal(parseDuration(word), read))
}

const ZONES: [word: string, zones: string[] | string][] = [
  ['Example.ORG', ['example.org.']],
  ['.', ['.']],
  ['10.0.0.0/15', ['0.10.in-addr.arpa.', '1.10.in-addr.arpa.']],
  ['example.org:53', ['example.org.']],
  ['dns://example.org:53', ['example.org.']],
  ['tls://.', ['.']],
  ['2001:db8::/32', ['8.b.d.0.1.0.0.2.ip6.arpa.']],
  ['a..b', 'bad-zone'],
  [':53', 'bad-zone'],
  ['', 'bad-zone'],
]
for (const [word, zones] of ZONES) {
  test(`zone ${word}`, () => {
    const position = { file: 'Corefile', line: 1, column: 1, length: word.length, imports: [] }
    let code: string | undefined
    const value = zone().read({ text: word, position }, (_token, reported) => {
      code = reported
    })
    assert.deepEqual(value ?? code, zones)
  })
}

const HOST_PORTS: [word: string, read: unknown][] = [
  ['localhost:8080', { host: 'localhost', port: 8080 }],
  [':8080', { host: '', port: 8080 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['127.0.0.1:', { host: '127.0.0.1', port: 0 }],
  ['8080', 'missing port in address'],
  ['::1:8080', 'too many colons in address'],
  ['localhost:http', 'unknown port'],
  [':-1', 'unknown port'],
  [':65536', 'invalid port'],
]
for (const [word, read] of HOST_PORTS) {
  test(`host and port ${word}`, () => {
    let why: unknown
    const position = { file: 'Corefile', line: 1, column: 1, length: word.length, imports: [] }
    const value = hostPort().read({ text: word, position }, (_token, code, ...params) => {
      assert.deepEqual([code, params[0]], ['bad-host-port', word])
      why = params[1]
    })
    assert.deepEqual(value ?? why, read)
  })
}
