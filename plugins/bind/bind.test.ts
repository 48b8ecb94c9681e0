import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultSettings, readText } from 'corelet/plugin/testing'
import bind from './index.ts'

const INTERFACES = new Map([
  ['lo', ['127.0.0.1', '::1']],
  ['eth0', ['192.0.2.7', 'fe80::1%eth0']],
  ['empty0', []],
])

/** What the directive makes of the addresses to listen on, and what it reports: `LINE:COLUMN CODE`. */
async function read(text: string): Promise<{ bind: string[] | undefined; found: string[] }> {
  const { options, diagnostics } = await readText(bind, text)
  const found = diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`)
  const settings = defaultSettings()
  for (const each of options) {
    bind.configure!(each as never, settings, {
      interfaces: () => INTERFACES,
      keys: [],
      report: ({ position }, code) => found.push(`${position.line}:${position.column} bind/${code}`),
    })
  }
  return { bind: settings.bind, found }
}

const good: [text: string, addresses: string[]][] = [
  ['bind 127.0.0.1', ['127.0.0.1']],
  ['bind ::1 192.0.2.1', ['::1', '192.0.2.1']],
  ['bind lo', ['127.0.0.1', '::1']],
  ['bind eth0', ['192.0.2.7', 'fe80::1%eth0']],
  ['bind lo {\n}', ['127.0.0.1', '::1']],
  ['bind lo {\nexcept 127.0.0.1\n}', ['::1']],
  ['bind lo eth0 {\nexcept lo\nexcept 192.0.2.7\n}', ['fe80::1%eth0']],
  ['bind lo {\nexcept ::1\n}\nbind ::1', ['127.0.0.1', '::1']],
  ['bind 127.0.0.1\nbind 127.0.0.2', ['127.0.0.1', '127.0.0.2']],
]
for (const [text, addresses] of good) {
  test(`${JSON.stringify(text)} listens on ${addresses}`, async () => {
    assert.deepEqual(await read(text), { bind: addresses, found: [] })
  })
}

const bad: [text: string, found: string[]][] = [
  ['bind', ['2:1 bind/no-address']],
  ['bind lo\nbind', ['3:1 bind/no-address']],
  ['bind lo {\nexcept\n}', ['3:1 bind/no-exception']],
  ['bind lo {\nwithout lo\n}', ['3:1 bind/invalid-option']],
  ['bind lo wlan0', ['2:9 bind/not-an-address']],
  ['bind lo {\nexcept wlan0\n}', ['3:8 bind/not-an-address']],
  ['bind fe80::1%eth0', ['2:6 bind/not-an-address']],
  ['bind 127.0.0.1:53', ['2:6 bind/not-an-address']],
  ['bind lo {\nexcept lo\n}', ['2:1 bind/nothing-left']],
  ['bind empty0', ['2:1 bind/nothing-left']],
]
for (const [text, expected] of bad) {
  test(`${JSON.stringify(text)} is reported: ${expected}`, async () => {
    const { found } = await read(text)
    assert.deepEqual(found, expected)
  })
}
