/** The grammar, with chevrotain. Loading it takes a while: it is imported when a Corefile is parsed and not before. */
import { createToken, EmbeddedActionsParser, type IToken, type TokenType } from 'chevrotain'
import { KeyList } from './key-list.ts'
import type { Word } from './lexer.ts'
import { MAX_DEPTH } from './max-depth.ts'
import type { BlockNode, FileNode, ImportNode, PartNode, StatementNode } from './tree.ts'

type Parent = BlockNode | PartNode | FileNode

const AnyWord = createToken({ name: 'AnyWord' })
const Import = createToken({ name: 'Import', categories: AnyWord })
const LineWord = createToken({ name: 'LineWord', categories: AnyWord })
const MoreWord = createToken({ name: 'MoreWord', categories: AnyWord })
const LeftBrace = createToken({ name: 'LeftBrace' })
const RightBrace = createToken({ name: 'RightBrace' })
const TOKEN_TYPES = [AnyWord, Import, LineWord, MoreWord, LeftBrace, RightBrace]

/** Braces below MAX_DEPTH become words. */
function toTokens(words: readonly Word[], file: FileNode): IToken[] {
  let depth = 0
  return words.map((word) => {
    const type = typeOf(word)
    const deep = type === LeftBrace ? ++depth > MAX_DEPTH : type === RightBrace && depth > MAX_DEPTH
    if (type === RightBrace && depth > 0) depth--
    if (deep) file.tooDeep ??= word
    return toToken(word, deep ? MoreWord : type)
  })
}

function toToken(word: Word, tokenType: TokenType): IToken {
  const tokenTypeIdx = tokenType.tokenTypeIdx!
  return { image: word.raw, tokenType, tokenTypeIdx, startOffset: word.position.column, payload: word }
}

function typeOf({ raw, startsLine }: Word): TokenType {
  if (raw === '{') return LeftBrace
  if (raw === '}') return RightBrace
  if (!startsLine) return MoreWord
  return raw === 'import' ? Import : LineWord
}

function wordOf(token: IToken): Word {
  return token.payload
}

/**
 * Each rule adds to the node that it is given, so that what was read before a mistake is kept.
 * The grammar takes any sequence of words and braces that ends with all braces closed; where a brace may stand is looked at later, since
 * CoreDNS accepts most misplaced ones with a surprising meaning.
 */
class Grammar extends EmbeddedActionsParser {
  constructor() {
    super(TOKEN_TYPES, { recoveryEnabled: true, maxLookahead: 1 })
    this.performSelfAnalysis()
  }

  /** corefile = { "}" | import | block } */
  corefile = this.RULE('corefile', (file: FileNode) => {
    this.MANY(() => {
      this.OR({
        IGNORE_AMBIGUITIES: true,
        DEF: [
          { ALT: () => this.SUBRULE(this.stray, { ARGS: [file] }) },
          { ALT: () => this.SUBRULE(this.import, { ARGS: [file] }) },
          { ALT: () => this.SUBRULE(this.block, { ARGS: [file] }) },
        ],
      })
    })
  })

  /** fragment = [ orphan ] { statement | "}" }: a file that is imported into a block */
  fragment = this.RULE('fragment', (file: FileNode) => {
    this.OPTION(() => this.SUBRULE(this.orphan, { ARGS: [file, file] }))
    this.MANY(() => {
      this.OR([
        { ALT: () => this.SUBRULE(this.statement, { ARGS: [file, file] }) },
        {
          ALT: () => {
            this.SUBRULE(this.stray, { ARGS: [file] })
            this.OPTION1(() => this.SUBRULE1(this.orphan, { ARGS: [file, file] }))
          },
        },
      ])
    })
  })

  stray = this.RULE('stray', (file: FileNode) => {
    const brace = this.CONSUME(RightBrace)
    this.ACTION(() => file.items.push({ kind: 'stray', word: wordOf(brace), next: this.LA(1).payload }))
  })

  /** import = "import" { WORD } */
  import = this.RULE('import', (file: FileNode) => {
    const keyword = this.CONSUME(Import)
    const node: ImportNode = { kind: 'import', words: [wordOf(keyword)] }
    this.ACTION(() => file.items.push(node))
    this.MANY(() => {
      const word = this.CONSUME(MoreWord)
      this.ACTION(() => node.words.push(wordOf(word)))
    })
  })

  /** block = braces | keys [ braces | bare ] */
  block = this.RULE('block', (file: FileNode) => {
    const node: BlockNode = { kind: 'block', keys: [], statements: [] }
    this.ACTION(() => file.items.push(node))
    this.OR([
      { ALT: () => this.SUBRULE(this.braces, { ARGS: [node, file] }) },
      {
        ALT: () => {
          this.SUBRULE(this.keys, { ARGS: [node] })
          this.OR1([
            { ALT: () => this.SUBRULE1(this.braces, { ARGS: [node, file] }) },
            { ALT: () => this.SUBRULE(this.bare, { ARGS: [node, file] }) },
          ])
        },
      },
    ])
  })

  /** keys = WORD { WORD }: up to the end of the line, or further behind a comma. */
  keys = this.RULE('keys', (node: BlockNode) => {
    const keys = new KeyList()
    this.AT_LEAST_ONE({
      GATE: () => !this.LA(1).payload?.startsLine || keys.continues,
      DEF: () => {
        const key = this.CONSUME(AnyWord)
        this.ACTION(() => keys.add(wordOf(key)))
      },
    })
    this.ACTION(() => {
      node.keys = keys.words
    })
  })

  /** bare = { statement } [ "}" ] */
  bare = this.RULE('bare', (node: BlockNode, file: FileNode) => {
    this.MANY(() => this.SUBRULE(this.statement, { ARGS: [node, file] }))
    this.OPTION(() => {
      const close = this.CONSUME(RightBrace)
      this.ACTION(() => {
        node.close = wordOf(close)
      })
    })
  })

  /** braces = "{" [ orphan ] { statement } "}" */
  braces = this.RULE('braces', (node: BlockNode | PartNode, file: FileNode) => {
    const open = this.CONSUME(LeftBrace)
    this.ACTION(() => {
      node.open = wordOf(open)
      file.unclosed.push(wordOf(open))
    })
    this.OPTION(() => this.SUBRULE(this.orphan, { ARGS: [node, file] }))
    this.MANY(() => this.SUBRULE(this.statement, { ARGS: [node, file] }))
    const close = this.CONSUME(RightBrace)
    this.ACTION(() => {
      if (close.isInsertedInRecovery) return
      node.close = wordOf(close)
      file.unclosed.pop()
    })
  })

  /** orphan = braces { braces }: braces that belong to no word */
  orphan = this.RULE('orphan', (parent: Parent, file: FileNode) => {
    const node: StatementNode = { parts: [] }
    this.ACTION(() => parent.statements.push(node))
    this.AT_LEAST_ONE(() => this.SUBRULE(this.partBraces, { ARGS: [node, file] }))
  })

  /** statement = WORD { WORD | braces }: the first word begins a line or a block, the others do not. */
  statement = this.RULE('statement', (parent: Parent, file: FileNode) => {
    const node: StatementNode = { parts: [] }
    this.ACTION(() => parent.statements.push(node))
    this.SUBRULE(this.word, { ARGS: [node] })
    this.MANY(() => {
      this.OR([
        { ALT: () => this.SUBRULE1(this.moreWord, { ARGS: [node] }) },
        { ALT: () => this.SUBRULE1(this.partBraces, { ARGS: [node, file] }) },
      ])
    })
  })

  word = this.RULE('word', (node: StatementNode) => {
    const token = this.CONSUME(AnyWord)
    this.ACTION(() => openPart(node).words.push(wordOf(token)))
  })

  moreWord = this.RULE('moreWord', (node: StatementNode) => {
    const token = this.CONSUME(MoreWord)
    this.ACTION(() => openPart(node).words.push(wordOf(token)))
  })

  partBraces = this.RULE('partBraces', (node: StatementNode, file: FileNode) => {
    const part = this.ACTION(() => openPart(node))
    this.SUBRULE(this.braces, { ARGS: [part, file] })
  })
}

/** The part that words are added to: a new one behind a block. */
function openPart(statement: StatementNode): PartNode {
  const last = statement.parts.at(-1)
  if (last && !last.open) return last
  const part: PartNode = { words: [], statements: [] }
  statement.parts.push(part)
  return part
}

let grammar: Grammar | undefined

/** Parses words into a tree. @param holds what they are: a whole Corefile, or directives that a block imports */
export function parseWords(words: readonly Word[], holds: 'blocks' | 'directives' = 'blocks'): FileNode {
  grammar ??= new Grammar()
  const file: FileNode = { items: [], statements: [], unclosed: [] }
  grammar.input = toTokens(words, file)
  if (holds === 'blocks') grammar.corefile(file)
  else grammar.fragment(file)
  grammar.input = []
  return file
}
