/** Presentation text (RFC 1035 §5.1) taken apart into words, and the character strings within. */
import { TextError } from './errors.ts'

/** A run of text without blanks, or text in double quotes. Escapes are left as they are written. */
export interface Word {
  text: string
  quoted: boolean
  /** Where it begins, counted from 0. */
  column: number
}

const WORD = /"((?:[^"\\]|\\[\s\S])*)"|((?:[^\s();"\\]|\\[\s\S])+)|;.*|[\s()]+/uy

/** The words of one entry, taken one by one. Comments and parentheses are passed over. */
export class Words {
  readonly #words: Word[] = []
  readonly #length: number
  #at = 0

  /** @throws TextError on a quote that is not closed or a backslash at the end */
  constructor(text: string) {
    this.#length = text.length
    WORD.lastIndex = 0
    while (WORD.lastIndex < text.length) {
      const column = WORD.lastIndex
      const match = WORD.exec(text)
      if (!match) throw new TextError(text[column] === '"' ? 'quote is not closed' : 'escape at the end', column)
      const [, quoted, plain] = match
      const word = quoted ?? plain
      if (word !== undefined) this.#words.push({ text: word, quoted: quoted !== undefined, column })
    }
  }

  get done(): boolean {
    return this.#at >= this.#words.length
  }

  /** Column of the next word, or of the end. */
  get column(): number {
    return this.peek()?.column ?? this.#length
  }

  peek(): Word | undefined {
    return this.#words[this.#at]
  }

  /** @param expected what is missing when there is no word left. @throws TextError */
  next(expected: string): Word {
    const word = this.#words[this.#at++]
    if (!word) throw new TextError(`${expected} is missing`, this.#length)
    return word
  }

  /** All words that are left, joined: base64 and hexadecimal digits may be written in pieces. */
  joined(): string {
    const left = this.#words.slice(this.#at)
    this.#at = this.#words.length
    return left.map((word) => word.text).join('')
  }
}

/** The text of a word with its escapes resolved, as octets. @throws TextError */
export function toOctets(word: Word): Uint8Array {
  const octets = Buffer.from(word.text, 'utf8')
  if (!word.text.includes('\\')) return Uint8Array.from(octets)
  const out: number[] = []
  for (let i = 0; i < octets.length; i++) {
    if (octets[i] !== 0x5c) {
      out.push(octets[i]!)
      continue
    }
    const digits = octets.toString('latin1', i + 1, i + 4)
    if (/^\d{3}$/.test(digits)) {
      if (Number(digits) > 255) throw new TextError(`no octet has the value ${digits}`, word.column)
      out.push(Number(digits))
      i += 3
    } else {
      if (/^\d/.test(digits)) throw new TextError('bad escape', word.column)
      out.push(octets[++i]!)
    }
  }
  return Uint8Array.from(out)
}

/** Octets in double quotes: `"` and `\` escaped, what is not printable ASCII as `\DDD`. */
export function quote(octets: Uint8Array): string {
  let text = '"'
  for (const octet of octets) {
    if (octet === 0x22 || octet === 0x5c) text += `\\${String.fromCharCode(octet)}`
    else if (octet >= 0x20 && octet < 0x7f) text += String.fromCharCode(octet)
    else text += `\\${String(octet).padStart(3, '0')}`
  }
  return `${text}"`
}
