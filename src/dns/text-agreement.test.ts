import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { decodeMessage, encodeMessage } from './codec.ts'
import { AA, fromClassName, fromTypeName, QR } from './constants.ts'
import { RECORD_SAMPLES } from './record-samples.ts'
import { formatRecord, parseRecord } from './text.ts'

const run = promisify(execFile)

/** TSIG is no record of a section. */
const records = RECORD_SAMPLES.map((text) => parseRecord(text)).filter((record) => record.type !== 'TSIG')

function fold(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}

const expected = records.map((record) => fold(formatRecord(record)))

describe('presentation text agrees with', () => {
  let socket: Socket
  let port: string

  before(async () => {
    socket = createSocket('udp4')
    socket.on('message', (packet, peer) => {
      const { id, question } = decodeMessage(packet)
      const record = records[Number.parseInt(question!.name, 10)]!
      const reply = encodeMessage({ id, question: question!, flags: QR | AA, answers: [record] })
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
