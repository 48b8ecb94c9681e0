import type { Word } from './lexer.ts'

/** The keys of a block while they are read. */
export class KeyList {
  readonly words: Word[] = []
  /** Whether a key may stand on the next line: there is none yet, or the last one ends in a comma. Empty words don't count as keys. */
  continues = true
  #count = 0

  add(word: Word): void {
    this.words.push(word)
    if (word.text !== '') {
      this.#count++
      this.continues = word.text.endsWith(',')
    } else if (this.#count === 0) {
      this.continues = false
    }
  }

  /** The name of the snippet that they declare: a single key in parentheses. */
  get snippetName(): string | undefined {
    if (this.#count !== 1) return undefined
    return /^\((.*)\)$/s.exec(this.words.find(({ text }) => text !== '')!.text)?.[1]
  }
}
