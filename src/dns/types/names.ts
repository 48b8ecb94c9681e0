/** Fields that hold a domain name or an address. */
import { addressToOctets, octetsToAddress } from '../address.ts'
import { TextError, WireError } from '../errors.ts'
import { fromText, toText } from '../name.ts'
import type { Field } from './field.ts'

function nameField(pointersRead: boolean, pointersWritten: boolean): Field<string> {
  return {
    check: (reader) => reader.skipName(pointersRead),
    read: (reader) => reader.name(pointersRead),
    write: (writer, value) => writer.name(value, pointersWritten),
    parse(words) {
      const word = words.next('name')
      try {
        return toText(fromText(word.text))
      } catch (error) {
        throw error instanceof TextError ? new TextError(error.message, word.column + error.column) : error
      }
    },
    format: (value) => toText(fromText(value)),
  }
}

/** A name in a type of RFC 1035: compressed on the wire. */
export const name = nameField(true, true)
/** A name in a type of old age: read compressed, written in full (RFC 3597 §4). */
export const fullName = nameField(true, false)
/** A name that must not be compressed, as in all types since RFC 3597. */
export const plainName = nameField(false, false)

function addressField(length: 4 | 16): Field<string> {
  const family = length === 4 ? 'IPv4' : 'IPv6'
  return {
    check: (reader) => reader.skip(length),
    read(reader) {
      reader.skip(length)
      return octetsToAddress(reader.octets, reader.at - length, length)
    },
    write(writer, value) {
      const octets = addressToOctets(value)
      if (octets?.length !== length) throw new WireError(`not an ${family} address: ${value}`)
      writer.bytes(octets)
    },
    parse(words) {
      const { text, column } = words.next('address')
      const octets = addressToOctets(text)
      if (octets?.length !== length) throw new TextError(`not an ${family} address: ${text}`, column)
      return octetsToAddress(octets, 0, length)
    },
    format: (value) => value,
  }
}

export const ipv4 = addressField(4)
export const ipv6 = addressField(16)
