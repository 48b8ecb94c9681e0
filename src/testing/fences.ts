/** A fenced code block of a Markdown text. */
export interface Fence {
  /** The line that it begins on, from 1. */
  line: number
  text: string
}

/** The fenced code blocks of a Markdown text that have the given language: `findFences(readme, 'corefile')`. */
export function findFences(markdown: string, language: string): Fence[] {
  const fences: Fence[] = []
  let open: { line: number; language: string; lines: string[] } | undefined
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^\s*```(.*)$/.exec(line)
    if (!fence) open?.lines.push(line)
    else if (!open) open = { line: index + 1, language: fence[1]!.trim(), lines: [] }
    else {
      if (open.language === language) fences.push({ line: open.line, text: `${open.lines.join('\n')}\n` })
      open = undefined
    }
  }
  return fences
}
