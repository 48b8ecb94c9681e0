/** The grammar, with chevrotain. Loading it takes a while: it is imported when a Corefile is parsed and not before. */
import { createToken, EmbeddedActionsParser, type IToken } from 'chevrotain'
import { continuesKeys } from './keys-line.ts'
import type { Word } from './lexer.ts'

/** A server block as it is written: `keys { statements }`, or keys and statements without braces. */
export interface BlockNode {
  keys: Word[]
  open?: Word
  statements: StatementNode[]
  close?: Word
}

/** A directive, or a line of a directive's block. More than one part when words or a second block follow the `}`. */
export interface StatementNode {
  parts: PartNode[]
}

/** `words { statements }`. The words may be missing, and so may the braces. */
export interface PartNode {
  words: Word[]
  open?: Word
  statements: StatementNode[]
  close?: Word
}

export interface FileNode {
  blocks: BlockNode[]
  /** Closing braces where a key should be, and what follows each. */
  strays: { word: Word; next: Word | undefined }[]
  /** The braces that are open at the end, outermost first. */
  unclosed: Word[]
}

const AnyWord = createToken({ name: 'AnyWord' })
const LineWord = createToken({ name: 'LineWord', categories: AnyWord })
const MoreWord = createToken({ name: 'MoreWord', categories: AnyWord })
const LeftBrace = createToken({ name: 'LeftBrace' })
const RightBrace = createToken({ name: 'RightBrace' })
const TOKEN_TYPES = [AnyWord, LineWord, MoreWord, LeftBrace, RightBrace]

function toToken(word: Word): IToken {
  const tokenType = word.raw === '{' ? LeftBrace : word.raw === '}' ? RightBrace : word.startsLine ? LineWord : MoreWord
  return {
    image: word.raw,
    tokenType,
    tokenTypeIdx: tokenType.tokenTypeIdx!,
    startOffset: word.position.column,
    payload: word,
  }
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

  /** corefile = { block | "}" } */
  corefile = this.RULE('corefile', (file: FileNode) => {
    this.MANY(() => {
      this.OR([
        {
          ALT: () => {
            const stray = this.CONSUME(RightBrace)
            this.ACTION(() => file.strays.push({ word: wordOf(stray), next: wordOf(this.LA(1)) }))
          },
        },
        { ALT: () => this.SUBRULE(this.block, { ARGS: [file] }) },
      ])
    })
  })

  /** block = braces | keys [ braces | bare ] */
  block = this.RULE('block', (file: FileNode) => {
    const node: BlockNode = { keys: [], statements: [] }
    this.ACTION(() => file.blocks.push(node))
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
    this.AT_LEAST_ONE({
      GATE: () => !wordOf(this.LA(1)).startsLine || continuesKeys(node.keys),
      DEF: () => {
        const key = this.CONSUME(AnyWord)
        this.ACTION(() => node.keys.push(wordOf(key)))
      },
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

  /** orphan = braces: braces that belong to no word */
  orphan = this.RULE('orphan', (parent: BlockNode | PartNode, file: FileNode) => {
    const node: StatementNode = { parts: [] }
    this.ACTION(() => parent.statements.push(node))
    this.SUBRULE(this.partBraces, { ARGS: [node, file] })
  })

  /** statement = WORD { WORD | braces }: the first word begins a line or a block, the others do not. */
  statement = this.RULE('statement', (parent: BlockNode | PartNode, file: FileNode) => {
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

/** Parses words into a tree. */
export function parseWords(words: readonly Word[]): FileNode {
  grammar ??= new Grammar()
  const file: FileNode = { blocks: [], strays: [], unclosed: [] }
  grammar.input = words.map(toToken)
  grammar.corefile(file)
  return file
}
