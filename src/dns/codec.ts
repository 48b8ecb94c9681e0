/** Messages between octets and objects. */
import { fromClassName, fromTypeName, QR, TYPES, toClassName, toTypeName } from './constants.ts'
import { TextError, WireError } from './errors.ts'
import type { EdnsOption, Message, Opt, Question, Sections } from './message.ts'
import { encodeOpt } from './query-build.ts'
import type { ResourceRecord } from './record.ts'
import { readHead, readRecord, writeRecord } from './record-wire.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** Decodes the records of a message that passed scanReply; OPT records are left out. @throws WireError */
export function decodeSections(wire: Uint8Array): Sections {
  const { answers, authorities, additionals } = decode(wire, false)
  return { answers, authorities, additionals }
}

/**
 * Decodes a query or reply with one question or none. Octets behind the message are ignored.
 * @throws WireError when it is malformed or has a misplaced or second OPT
 */
export function decodeMessage(packet: Uint8Array): Message {
  return decode(packet, true)
}

function decode(packet: Uint8Array, oneOpt: boolean): Message {
  const reader = new WireReader(packet)
  const id = reader.u16()
  const word = reader.u16()
  const questions = reader.u16()
  const counts = [reader.u16(), reader.u16(), reader.u16()] as const
  if (questions > 1) throw new WireError('more than one question')
  if ((counts[0] + counts[1] + counts[2]) * 11 > reader.left) {
    throw new WireError('more records counted than the message can hold')
  }
  const message: Message = { id, flags: word & 0xfff0, rcode: word & 15, answers: [], authorities: [], additionals: [] }
  if (questions === 1) {
    message.question = { name: reader.name(true), type: toTypeName(reader.u16()), class: toClassName(reader.u16()) }
  }
  const sections = [message.answers, message.authorities, message.additionals]
  sections.forEach((section, i) => {
    for (let left = counts[i]!; left > 0; left--) {
      const head = readHead(reader)
      if (head.type !== TYPES.OPT) {
        section.push(readRecord(reader, head))
      } else {
        const second = oneOpt && message.opt
        if (section !== message.additionals || second || head.name !== '.') throw new WireError('OPT out of place')
        message.rcode |= Math.floor(head.ttl / 2 ** 24) << 4
        message.opt = readOpt(reader, head)
      }
    }
  })
  return message
}

function readOpt(reader: WireReader, head: { cls: number; ttl: number; length: number }): Opt {
  const options: EdnsOption[] = []
  const end = reader.at + head.length
  while (reader.at < end) options.push({ code: reader.u16(), data: reader.take(reader.u16()) })
  if (reader.at !== end) throw new WireError('EDNS option runs past its record')
  return { udpSize: head.cls, version: (head.ttl >> 16) & 0xff, flags: head.ttl & 0xffff, options }
}

/** What {@link encodeMessage} takes; what is left out is 0 or absent, the flags are QR. */
export interface MessageParts {
  id?: number
  /** Flags word of the header; its rcode bits are ignored when `rcode` is given. */
  flags?: number
  /** 12 bits; more than 15 needs `opt`. */
  rcode?: number
  /** In wire form (name, type, class) or as an object. */
  question?: Uint8Array | Question
  answers?: readonly ResourceRecord[]
  authorities?: readonly ResourceRecord[]
  additionals?: readonly ResourceRecord[]
  opt?: Opt
}

/**
 * Encodes a message, names compressed. The OPT becomes the last record.
 * @throws WireError when a record can't be encoded or the message exceeds 65535 octets
 */
export function encodeMessage(message: MessageParts): Uint8Array<ArrayBuffer> {
  const { flags = QR, rcode = flags & 15, question, opt } = message
  const sections = [message.answers ?? [], message.authorities ?? [], message.additionals ?? []]
  if (rcode > (opt ? 0xfff : 15)) throw new WireError(`rcode ${rcode} does not fit`)
  const writer = new WireWriter()
  writer.u16(message.id ?? 0)
  writer.u16((flags & 0xfff0) | (rcode & 15))
  writer.u16(question ? 1 : 0)
  for (const section of sections) {
    const count = section.length + (opt && section === sections[2] ? 1 : 0)
    if (count > 0xffff) throw new WireError('too many records')
    writer.u16(count)
  }
  if (question) writeQuestion(writer, question)
  for (const section of sections) for (const record of section) writeRecord(writer, record)
  if (opt) writer.bytes(encodeOpt({ ...opt, rcode }))
  return writer.finish()
}

function writeQuestion(writer: WireWriter, question: Uint8Array | Question): void {
  if (question instanceof Uint8Array) {
    writer.wireName(question.subarray(0, -4), false)
    writer.bytes(question.subarray(-4))
    return
  }
  const type = fromTypeName(question.type)
  const cls = fromClassName(question.class ?? 'IN')
  if (type === undefined || cls === undefined) throw new WireError(`unknown type or class: ${question.type}`)
  try {
    writer.name(question.name, false)
  } catch (error) {
    throw error instanceof TextError ? new WireError(`${question.name}: ${error.message}`) : error
  }
  writer.u16(type)
  writer.u16(cls)
}
