/** The nodes of the syntax tree, with every word of the text in its place. */
import type { Word } from './lexer.ts'

/** A server block or a snippet as it is written: `keys { statements }`, or keys and statements without braces. */
export interface BlockNode {
  kind: 'block'
  keys: Word[]
  open?: Word
  statements: StatementNode[]
  close?: Word
}

/** An `import` line between blocks; other imports are statements. There is none once imports are expanded. */
export interface ImportNode {
  kind: 'import'
  words: Word[]
}

/** A `}` between blocks, which closes nothing. */
export interface StrayNode {
  kind: 'stray'
  word: Word
  /** What follows it. */
  next: Word | undefined
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
  items: (BlockNode | ImportNode | StrayNode)[]
  /** Of a file that holds directives and no blocks. */
  statements: StatementNode[]
  /** The braces that are open at the end, outermost first. */
  unclosed: Word[]
  /** The first brace that is nested too deeply; it and those within are words. */
  tooDeep?: Word
}
