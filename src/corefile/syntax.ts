/** The tree of one file as it is written, for formatters and editors: nothing is expanded, comments and positions are kept. */
import { createDiagnostic } from './diagnostics.ts'
import { LANGUAGE_CODES } from './language-codes.ts'
import { type Comment, lex, type Word } from './lexer.ts'
import type { Diagnostic } from './model.ts'
import type { FileNode } from './tree.ts'

export type { Comment, Word } from './lexer.ts'
export type { BlockNode, FileNode, ImportNode, PartNode, StatementNode, StrayNode } from './tree.ts'

export interface SyntaxTree extends FileNode {
  /** All words of the tree in the order of the text. */
  words: readonly Word[]
  /** In the order of the text. */
  comments: readonly Comment[]
  /** Of the words alone; what the words mean together `parseCorefile` tells. */
  diagnostics: readonly Diagnostic[]
}

/** Reads one file. @param holds server blocks, or the directives of a file that is imported into one */
export async function parseSyntax(
  file: string,
  text: string,
  holds: 'blocks' | 'directives' = 'blocks',
): Promise<SyntaxTree> {
  const { parseWords } = await import('./grammar.ts')
  const { words, comments, findings } = lex(file, text)
  const diagnostics = findings.map((finding) => createDiagnostic(finding, LANGUAGE_CODES))
  return { ...parseWords(words, holds), words, comments, diagnostics }
}
