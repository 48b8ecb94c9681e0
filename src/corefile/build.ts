/** From the tree to server blocks: where words and braces stand is looked at here. */
import type { Finding } from './diagnostics.ts'
import type { Word } from './lexer.ts'
import { MAX_DEPTH } from './max-depth.ts'
import type { Directive, Line, ServerBlock, Token } from './model.ts'
import { nearest } from './nearest.ts'
import type { BlockNode, FileNode, PartNode, StatementNode, StrayNode } from './tree.ts'

type Report = (finding: Finding) => void

/** @param last the last word of the file */
export function buildBlocks(
  file: FileNode,
  last: Word | undefined,
  directives: readonly string[] | undefined,
  report: Report,
): ServerBlock[] {
  if (file.tooDeep) report({ position: file.tooDeep.position, code: 'nested-too-deep', params: [MAX_DEPTH] })
  if (last) reportUnclosed(file.unclosed, last, report)
  const blocks: ServerBlock[] = []
  for (const node of file.items) {
    if (node.kind === 'stray') reportStray(node, report)
    if (node.kind !== 'block') continue
    const keys = buildKeys(node, report)
    const built = node.statements.flatMap((statement) => buildDirectives(statement, directives, report))
    reportInlineClose(node, report)
    reportRepeats(built, report)
    if (keys.length > 0) blocks.push({ keys, directives: built })
    else report({ position: (node.open ?? node.keys[0]!).position, code: 'block-without-keys', params: [] })
  }
  return blocks
}

/** A `}` between blocks is a zone of that name in CoreDNS; it starts with that unless the brace swallows the next block. */
function reportStray({ word, next }: StrayNode, report: Report): void {
  const swallows = next?.startsLine && next.raw !== '{'
  report({ position: word.position, code: 'unexpected-brace', params: [], severity: swallows ? 'error' : 'warning' })
}

function reportUnclosed(unclosed: readonly Word[], last: Word, report: Report): void {
  const [outer] = unclosed
  const inner = unclosed.at(-1)
  if (!outer || !inner) return
  const { line } = inner.position
  const { position } = last
  if (outer !== inner) {
    report({ position, code: 'unexpected-eof', params: [`the { on line ${line} is not closed`] })
  } else if (last.raw === '}') {
    report({ position, code: 'missing-final-brace', params: [line] })
  } else {
    report({ position, code: 'missing-brace', params: [last.text, line] })
  }
}

function buildKeys(node: BlockNode, report: Report): Token[] {
  const keys = node.keys.filter((key) => key.text !== '')
  const last = keys.at(-1)
  const brace = keys.find(({ text }) => text === '{')
  if (brace) {
    const hint = 'the value of a variable opens no block'
    report({ position: brace.position, code: 'unknown-directive', params: ['{', hint] })
  }
  if (last?.text.endsWith(',')) {
    if (node.open) report({ position: node.open.position, code: 'extra-comma', params: [] })
    else report({ position: last.position, code: 'unexpected-eof', params: ['another zone should follow the comma'] })
  }
  return keys.map(({ text, position }) =>
    text.endsWith(',') ? { text: text.slice(0, -1), position } : { text, position },
  )
}

/** A `}` behind a directive, or behind the keys of a block without braces, closes nothing in CoreDNS. */
function reportInlineClose(node: BlockNode, report: Report): void {
  const { close } = node
  if (!close || close.startsLine || (node.open && node.statements.length === 0)) return
  report({ position: close.position, code: 'unexpected-brace', params: [] })
}

/** The directives of a statement: more than one when words follow the `}` of its block. */
function buildDirectives(statement: StatementNode, known: readonly string[] | undefined, report: Report): Directive[] {
  const [first, ...more] = statement.parts
  const name = first!.words[0]
  if (!name) {
    report({
      position: first!.open!.position,
      code: 'unknown-directive',
      params: ['{', 'a directive begins with the name of a plugin'],
    })
    return []
  }
  if (known && !known.includes(name.text)) {
    const similar = nearest(name.text, known)
    const hint = similar ? `did you mean ${similar}?` : 'corelet -plugins lists the known ones'
    report({ position: name.position, code: 'unknown-directive', params: [name.text, hint] })
  }
  for (const part of statement.parts) {
    if (part.open?.startsLine) report({ position: part.open.position, code: 'brace-on-new-line', params: [] })
  }
  for (const part of more) {
    const word = part.words[0]
    if (word) report({ position: word.position, code: 'words-after-brace', params: [name.text] })
  }
  return statement.parts.map((part, index) => {
    const [use, ...args] = part.words
    const position = (use ?? part.open!).position
    return {
      name: { text: name.text, position: index === 0 ? name.position : position },
      args: args.map(toToken),
      ...(part.open ? { block: buildLines(part, report) } : {}),
    }
  })
}

/** The lines of a directive's block. A `}` at the end of the last line is an argument of it too, as plugins see it in CoreDNS. */
function buildLines(part: PartNode, report: Report): Line[] {
  const lines = part.statements.flatMap((statement) =>
    statement.parts.map((inner): Line => {
      const { words, open } = inner
      if (open?.startsLine) report({ position: open.position, code: 'brace-on-new-line', params: [] })
      const [name = open!, ...args] = words
      return { name: toToken(name), args: args.map(toToken), ...(open ? { block: buildLines(inner, report) } : {}) }
    }),
  )
  const last = lines.at(-1)
  const { close } = part
  if (!last || last.block || !close || close.startsLine) return lines
  report({ position: close.position, code: 'inline-brace', params: [last.name.text] })
  return [...lines.slice(0, -1), { ...last, args: [...last.args, { ...toToken(close), closesBlock: true }] }]
}

/** The same line of the same file twice means that it was imported twice, which CoreDNS reads as one line. */
function reportRepeats(directives: readonly Directive[], report: Report): void {
  const seen = new Set<string>()
  for (const { name } of directives) {
    const { file, line, column, imports } = name.position
    const site = imports.at(-1)
    if (!site) continue
    const place = `${line}:${column}:${file}`
    if (seen.has(place)) {
      const position = { ...site, length: 'import'.length, imports: imports.slice(0, -1) }
      report({ position, code: 'repeated-import', params: [site.pattern] })
    }
    seen.add(place)
  }
}

function toToken({ text, position }: Word): Token {
  return { text, position }
}
