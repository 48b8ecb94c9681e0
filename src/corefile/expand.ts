/** Replaces imports by what they import and takes snippet definitions out: many files in, one stream of words out. */
import { findImports, type ImportScope } from './find-imports.ts'
import { KeyList } from './key-list.ts'
import type { Word } from './lexer.ts'
import type { ImportSite, Position } from './model.ts'

/** A list of words being read, with what it came from to see cycles. */
interface Source {
  words: readonly Word[]
  /** Words that were read. */
  at: number
  /** `file PATH` or `snippet NAME`. */
  identity: string
  imports: readonly ImportSite[]
}

interface Snippet {
  key: Word
  words: readonly Word[]
}

export interface ExpandScope extends ImportScope {
  /** The words of a file; read and lexed once. A string says why there are none. */
  wordsOf(path: string): readonly Word[] | string
}

const MAX_SNIPPETS = 10_000
const MAX_FILES = 100_000
/** Words that all imports together may make; CoreDNS has no such limit and runs out of memory. */
const MAX_WORDS = 500_000
/** Import lines, outermost first, that a position tells of. */
const MAX_SITES = 50

/** Follows the words through keys, directives and blocks, far enough to know where an `import` line may stand. */
export class Expander {
  readonly #scope: ExpandScope
  readonly #stack: Source[]
  readonly #snippets = new Map<string, Snippet>()
  readonly #out: Word[] = []
  #snippetCount = 0
  #fileCount = 0
  #stopped = false

  constructor(file: string, words: readonly Word[], scope: ExpandScope) {
    this.#scope = scope
    const path = scope.read.resolve(file, file.slice(file.lastIndexOf('/') + 1))
    this.#stack = [{ words, at: 0, identity: `file ${path}`, imports: [] }]
  }

  run(): Word[] {
    /** Of the block that begins; undefined within a block. */
    let keys: KeyList | undefined = new KeyList()
    let depth = 0
    let atBlockStart = false
    for (let word = this.#next(); word; word = this.#next()) {
      if (keys && word.raw !== '{' && word.startsLine && !keys.continues) {
        if (keys.snippetName === undefined) {
          keys = undefined
          depth = 0
        } else {
          this.#scope.report({ position: word.position, code: 'snippet-without-brace', params: [word.raw] })
          this.#dropKeys(keys)
          keys = new KeyList()
        }
      }
      if ((word.startsLine || atBlockStart) && (keys ? word.text : word.raw) === 'import') {
        this.#import(word)
        continue
      }
      atBlockStart = false
      if (keys && word.raw === '{') {
        const name = keys.snippetName
        if (name !== undefined) {
          this.#dropKeys(keys)
          this.#defineSnippet(name, keys.words[0]!, word)
          keys = new KeyList()
          continue
        }
        keys = undefined
        depth = 0
        atBlockStart = true
      } else if (keys) {
        if (word.raw === '}') keys = new KeyList()
        else keys.add(word)
      } else if (word.raw === '{') {
        depth++
      } else if (word.raw === '}' && depth-- === 0) {
        keys = new KeyList()
      }
      this.#out.push(word)
      if (this.#out.length > MAX_WORDS && this.#stack.length > 1) this.#stop(word.position, 'word', MAX_WORDS)
    }
    if (keys && keys.snippetName !== undefined) {
      this.#scope.report({
        position: keys.words[0]!.position,
        code: 'snippet-without-brace',
        params: [keys.words[0]!.raw],
      })
      this.#dropKeys(keys)
    }
    return this.#out
  }

  #dropKeys(keys: KeyList): void {
    this.#out.length -= keys.words.length
  }

  #next(): Word | undefined {
    for (let source = this.#stack.at(-1); source; source = this.#stack.at(-1)) {
      const word = source.words[source.at++]
      if (word) {
        if (source.imports.length === 0) return word
        return { ...word, position: { ...word.position, imports: source.imports } }
      }
      this.#stack.pop()
    }
    return undefined
  }

  #defineSnippet(name: string, key: Word, open: Word): void {
    const words: Word[] = []
    let depth = 1
    let last = open
    for (let word = this.#next(); word; word = this.#next()) {
      last = word
      if (word.raw === '{') depth++
      if (word.raw === '}' && --depth === 0) break
      words.push(words.length > 0 ? word : { ...word, startsLine: true })
    }
    const { report } = this.#scope
    if (depth > 0) report({ position: last.position, code: 'missing-brace', params: [last.raw, open.position.line] })
    const earlier = this.#snippets.get(name)
    if (earlier) {
      report({ position: key.position, code: 'snippet-redeclared', params: [name, earlier.key.position.line] })
      return
    }
    const self = words.findIndex(
      (word, i) => word.raw === name && words[i - 1]?.raw === 'import' && words[i - 1]!.startsLine,
    )
    if (self >= 0) {
      report({ position: words[self]!.position, code: 'snippet-imports-itself', params: [name] })
      words.splice(self - 1, 2)
    }
    this.#snippets.set(name, { key, words })
  }

  #import(keyword: Word): void {
    const source = this.#stack.at(-1)!
    const pattern = this.#readPattern(keyword, source)
    if (!pattern || this.#stopped) return
    const { file, line, column } = keyword.position
    const site = { file, line, column, pattern: pattern.text }
    const imports = source.imports.length < MAX_SITES ? [...source.imports, site] : source.imports
    const snippet = this.#snippets.get(pattern.text)
    if (snippet) {
      if (++this.#snippetCount > MAX_SNIPPETS) this.#stop(pattern.position, 'snippet', MAX_SNIPPETS)
      else this.#enter(pattern, `snippet ${pattern.text}`, snippet.words, imports)
      return
    }
    const paths = findImports(pattern, this.#scope)
    this.#fileCount += paths.length
    if (this.#fileCount > MAX_FILES) {
      this.#stop(pattern.position, 'file', MAX_FILES)
      return
    }
    const found = paths.map((path) => ({ path, words: this.#scope.wordsOf(path) }))
    for (const { path, words } of found.toReversed()) {
      if (typeof words !== 'string') this.#enter(pattern, `file ${path}`, words, imports)
      else this.#scope.report({ position: pattern.position, code: 'import-unreadable', params: [path, words] })
    }
  }

  /** The only word behind `import` on its line; undefined when it was reported. */
  #readPattern(keyword: Word, source: Source): Word | undefined {
    const args: Word[] = []
    for (let word = source.words[source.at]; word && !word.startsLine; word = source.words[++source.at]) {
      args.push({ ...word, position: { ...word.position, imports: source.imports } })
    }
    const [pattern, extra] = args
    const report = (word: Word, code: string) => void this.#scope.report({ position: word.position, code, params: [] })
    if (!pattern) return report(keyword, 'import-without-pattern')
    if (pattern.text === '') return report(pattern, 'import-empty')
    if (extra) return report(extra, 'import-extra-argument')
    return pattern
  }

  /** Reads on in what was imported. Sources that nothing was read of wait behind others of the same pattern. */
  #enter({ position }: Word, identity: string, words: readonly Word[], imports: readonly ImportSite[]): void {
    const isCycle = this.#stack.some((source) => source.at > 0 && source.identity === identity)
    if (!isCycle) this.#stack.push({ words, at: 0, identity, imports })
    else this.#scope.report({ position, code: 'import-cycle', params: [identity.split(' ', 1)[0]!, identity] })
  }

  /** Reports a limit and imports nothing more; the rest of the Corefile itself is still read. */
  #stop(position: Position, kind: string, limit: number): void {
    this.#stopped = true
    this.#stack.length = 1
    this.#scope.report({ position, code: 'import-limit', params: [kind, limit] })
  }
}
