/** The words of a template: text between actions, and what is in them. */

export interface Token {
  type: 'text' | 'open' | 'close' | 'string' | 'number' | 'dot' | 'field' | 'variable' | 'word' | 'symbol'
  /** Without quotes, `$` and the dot of a field. */
  text: string
  /** Of a number. */
  value?: bigint | number
  /** Whether a space is in front of it. */
  spaced: boolean
  line: number
}

const WORDS: readonly [type: Token['type'] | 'space', pattern: RegExp][] = [
  ['space', /\s+/y],
  ['string', /"((?:[^"\\\n]|\\.)*)"|`([^`]*)`/y],
  ['number', /-?\d+(?:\.\d+)?(?![\w.])/y],
  ['field', /\.([A-Za-z_]\w*)/y],
  ['dot', /\.(?!\w)/y],
  ['variable', /\$(\w*)/y],
  ['word', /[A-Za-z_]\w*/y],
  ['symbol', /:=|[=|(),]/y],
]

/** @throws Error with file and line */
export function tokenize(path: string, text: string): Token[] {
  const tokens: Token[] = []
  let position = 0
  let trims = false
  const lineAt = (index: number) => text.slice(0, index).split('\n').length
  const add = (type: Token['type'], word: string, at: number, spaced = false, value?: bigint | number) =>
    void tokens.push({ type, text: word, spaced, line: lineAt(at), ...(value === undefined ? {} : { value }) })
  const addText = (from: number, to: number, trimsEnd: boolean) => {
    let part = text.slice(from, to)
    if (trims) part = part.replace(/^[ \t\r\n]+/, '')
    if (trimsEnd) part = part.replace(/[ \t\r\n]+$/, '')
    if (part !== '') add('text', part, from)
  }
  for (;;) {
    const open = text.indexOf('{{', position)
    if (open < 0) {
      addText(position, text.length, false)
      return tokens
    }
    const trimsBefore = /^-[ \t\r\n]/.test(text.slice(open + 2, open + 4))
    addText(position, open, trimsBefore)
    position = open + (trimsBefore ? 3 : 2)
    const comment = /\s*\/\*[\s\S]*?\*\/(?=\s-\}\}|\}\})/y
    comment.lastIndex = position
    const isComment = comment.test(text)
    if (isComment) position = comment.lastIndex
    else add('open', '{{', open)
    let spaced = true
    for (;;) {
      const close = /^(?:\s-)?\}\}/.exec(text.slice(position, position + 4))
      if (close) {
        position += close[0].length
        trims = close[0].length > 2
        break
      }
      const found = WORDS.map(([type, pattern]) => {
        pattern.lastIndex = position
        return [type, pattern.exec(text)] as const
      }).find(([, match]) => match !== null)
      if (!found?.[1]) throw new Error(`${path}:${lineAt(position)}: can't read ${text.slice(position, position + 20)}`)
      const [type, match] = found
      const [word, inner, raw] = match
      if (type === 'string') add(type, raw ?? JSON.parse(`"${inner}"`), position, spaced)
      else if (type === 'number') add(type, word, position, spaced, word.includes('.') ? Number(word) : BigInt(word))
      else if (type !== 'space') add(type, inner ?? word, position, spaced)
      spaced = type === 'space'
      position += word.length
    }
    if (!isComment) add('close', '}}', position)
  }
}
