/** Octets in text: hexadecimal, base64, base32hex, and UTF-8 that loses nothing. */
import { TextError } from './errors.ts'

const BASE32_HEX = '0123456789ABCDEFGHIJKLMNOPQRSTUV'

export function toHex(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex').toUpperCase()
}

/** @throws TextError */
export function fromHex(text: string, column = 0): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new TextError('not hexadecimal', column)
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

export function toBase64(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('base64')
}

/** @throws TextError */
export function fromBase64(text: string, column = 0): Uint8Array {
  if (text.length % 4 !== 0 || !/^[0-9a-z+/]*={0,2}$/i.test(text)) throw new TextError('not base64', column)
  return Uint8Array.from(Buffer.from(text, 'base64'))
}

/** Base 32 with extended hex alphabet, without padding (RFC 4648 §7, RFC 5155 §3.3). */
export function toBase32(octets: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const octet of octets) {
    value = ((value << 8) | octet) & 0xfff
    bits += 8
    for (; bits >= 5; bits -= 5) text += BASE32_HEX[(value >> (bits - 5)) & 31]
  }
  return bits > 0 ? text + BASE32_HEX[(value << (5 - bits)) & 31] : text
}

/** @throws TextError */
export function fromBase32(text: string, column = 0): Uint8Array {
  const out: number[] = []
  let bits = 0
  let value = 0
  for (const char of text.toUpperCase()) {
    const digit = BASE32_HEX.indexOf(char)
    if (digit < 0) throw new TextError('not base32hex', column)
    value = ((value << 5) | digit) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      out.push((value >> bits) & 0xff)
    }
  }
  if (bits >= 5) throw new TextError('not base32hex', column)
  return Uint8Array.from(out)
}

/** A well-formed sequence of UTF-8 (Unicode 16, table 3-7) of more than one octet, or else a single octet over 0x7f. */
const NOT_ASCII =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]|[\xe1-\xef](?<!\xed)[\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g

/**
 * Octets of a character string as a string: UTF-8, and where that is not well formed one lone surrogate U+DC80–U+DCFF for each octet, so
 * that {@link fromLossless} gives the same octets back.
 */
export function toLossless(octets: Uint8Array): string {
  const chars = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1')
  return chars.replace(NOT_ASCII, (found) =>
    found.length === 1
      ? String.fromCharCode(0xdc00 + found.charCodeAt(0))
      : Buffer.from(found, 'latin1').toString('utf8'),
  )
}

/** Octets of a string: UTF-8, and one octet for each lone surrogate that {@link toLossless} makes. */
export function fromLossless(text: string): Uint8Array {
  if (text.isWellFormed()) return Uint8Array.from(Buffer.from(text, 'utf8'))
  const parts = [...text].map((char) => {
    const code = char.codePointAt(0)!
    return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(char, 'utf8')
  })
  return Uint8Array.from(Buffer.concat(parts))
}
