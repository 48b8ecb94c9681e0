import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { decodeMessage, encodeMessage } from './codec.ts'
import { AA, fromClassName, fromTypeName, QR } from './constants.ts'
import { formatOption, parseOption } from './edns.ts'
import { RECORD_SAMPLES } from './testing/record-samples.ts'
import { formatRecord, parseRecord } from './text.ts'

const run = promisify(execFile)

/** TSIG is no record of a section. */
const records = RECORD_SAMPLES.map((text) => parseRecord(text)).filter((record) => record.type !== 'TSIG')

function fold(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}

/** Those that dig 9.18 knows, and prints without a remark of its own. */
const options = [
  'NSID:',
  'NSID: 67 70 22 01 ("gp".")',
  'CLIENT-SUBNET: 192.0.2.0/24/0',
  'CLIENT-SUBNET: 2001:db8::/56/32',
  'CLIENT-SUBNET: 0/0/0',
  'TCP KEEPALIVE:',
  'TCP KEEPALIVE: 30.1 secs',
  'PAD:',
  'PAD: (4 bytes)',
  'EXPIRE:',
  ...Array.from({ length: 25 }, (_, infoCode) => `EDE: ${infoCode}`),
  'EDE: 22: (no "answer" (yet))',
  'EDE: 999',
  'OPT=65001:',
].map(parseOption)

const expected = records.map((record) => fold(formatRecord(record)))

describe('presentation text agrees with', () => {
  let socket: Socket
  let port: string

  before(async () => {
    socket = createSocket('udp4')
    socket.on('message', (packet, peer) => {
      const { id, question } = decodeMessage(packet)
      const record = records[Number.parseInt(question!.name, 10)]!
      const opt = { udpSize: 1232, version: 0, flags: 0, options }
      const reply = encodeMessage({ id, question: question!, flags: QR | AA, answers: [record], opt })
      socket.send(reply, peer.port, peer.address)
    })
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    port = String(socket.address().port)
  })

  after(() => socket.close())

  /** Asks for each record and returns the lines that the tool prints. */
  async function ask(tool: string, options: string[]): Promise<string[]> {
    const questions = records.flatMap(({ type, class: cls }, i) => {
      return [`${i}.test.`, `TYPE${fromTypeName(type)}`, `CLASS${fromClassName(cls!)}`]
    })
    const { stdout } = await run(tool, ['@127.0.0.1', '-p', port, '+noall', '+answer', ...options, ...questions])
    return stdout
      .split('\n')
      .map(fold)
      .filter((line) => line !== '' && !line.startsWith(';;'))
  }

  test('dig, letter by letter', async () => {
    // dig 9.18 has no name for dohpath and takes A for a type of class IN only.
    const known = (line: string) => !/ (dohpath|key7)=| CLASS32 /.test(line)
    const printed = await ask('dig', ['+nosplit'])
    assert.equal(printed.length, records.length)
    assert.deepEqual(printed.filter(known), expected.filter(known))
  })

  test('dig on EDNS options', async () => {
    const { stdout } = await run('dig', ['@127.0.0.1', '-p', port, '+noall', '+comments', '+nocookie', '0.test.'])
    const printed = stdout.split('\n').filter((line) => /^; [A-Z]/.test(line) && !line.startsWith('; EDNS'))
    assert.deepEqual(
      printed.map((line) => fold(line.slice(2))),
      options.map(formatOption).map(fold),
    )
  })

  test('dig and kdig, when read back', async () => {
    for (const tool of ['dig', 'kdig']) {
      const printed = await ask(tool, [])
      assert.deepEqual(
        printed.map((line) => fold(formatRecord(parseRecord(line)))),
        expected,
      )
    }
  })
})
