import { fromTypeName, toTypeName } from '../constants.ts'
import { TextError, WireError } from '../errors.ts'
import type { WireReader } from '../wire-reader.ts'
import type { Field } from './field.ts'

/**
 * Checks the bitmap that fills the rest of the data. With `found` it calls back for each type, and zero octets at the end of a window, which
 * would be lost, are refused. @throws WireError
 */
function readBitmap(reader: WireReader, found?: (type: number) => void): void {
  let last = -1
  while (reader.left > 0) {
    const window = reader.u8()
    const length = reader.u8()
    if (window <= last) throw new WireError('type bitmap windows out of order')
    if (length < 1 || length > 32) throw new WireError('type bitmap window of a wrong length')
    last = window
    const start = reader.at
    reader.skip(length)
    if (!found) continue
    if (reader.octets[reader.at - 1] === 0) throw new WireError('type bitmap window with a zero octet at its end')
    for (let bit = 0; bit < length * 8; bit++) {
      if (reader.octets[start + (bit >> 3)]! & (0x80 >> (bit & 7))) found((window << 8) | bit)
    }
  }
}

/** The types that exist at a name, as mnemonics in rising order; a bitmap on the wire (RFC 4034 §4.1.2). */
export const typeList: Field<readonly string[]> = {
  check: (reader) => readBitmap(reader),
  read(reader) {
    const types: string[] = []
    readBitmap(reader, (type) => types.push(toTypeName(type)))
    return types
  },
  write(writer, value) {
    const windows = new Map<number, Uint8Array>()
    for (const type of toNumbers(value)) {
      const bits = windows.get(type >> 8) ?? new Uint8Array(32)
      windows.set(type >> 8, bits)
      bits[(type & 0xff) >> 3]! |= 0x80 >> (type & 7)
    }
    for (const [window, bits] of [...windows].sort(([a], [b]) => a - b)) {
      const length = bits.findLastIndex((octet) => octet !== 0) + 1
      writer.u8(window)
      writer.u8(length)
      writer.bytes(bits.subarray(0, length))
    }
  },
  parse(words) {
    const types: number[] = []
    while (!words.done) {
      const word = words.next('record type')
      const type = fromTypeName(word.text)
      if (type === undefined) throw new TextError(`unknown record type ${word.text}`, word.column)
      types.push(type)
    }
    return [...new Set(types)].sort((a, b) => a - b).map(toTypeName)
  },
  format: (value) => value.join(' '),
}

function toNumbers(names: readonly string[]): number[] {
  return names.map((name) => {
    const type = fromTypeName(name)
    if (type === undefined) throw new WireError(`unknown record type ${name}`)
    return type
  })
}
