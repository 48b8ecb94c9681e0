/** As much of Markdown as the pages use, as HTML. Text of pages is our own, yet nothing of it becomes a tag. */

const escapeText = (text: string) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)

/** The part of a heading that links name. */
const toAnchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')

/** HTML of a page. @param link what becomes of the target of a link */
export function toHtml(markdown: string, link: (target: string) => string): string {
  const lines = markdown.split('\n')
  const out: string[] = []
  const inline = (text: string) => toInline(text, link)
  for (let at = 0; at < lines.length; ) {
    const take = (matches: (line: string) => boolean) => {
      const start = at
      while (at < lines.length && matches(lines[at]!)) at++
      return lines.slice(start, at)
    }
    const line = lines[at]!
    const heading = /^(#{1,6}) (.*)$/.exec(line)
    if (line.trim() === '') at++
    else if (heading) {
      at++
      const level = heading[1]!.length
      out.push(`<h${level} id="${escapeText(toAnchor(heading[2]!))}">${inline(heading[2]!)}</h${level}>`)
    } else if (/^\s*```/.test(line)) {
      at++
      const indent = /^\s*/.exec(line)![0].length
      const code = take((each) => !/^\s*```\s*$/.test(each))
      at++
      out.push(`<pre><code>${escapeText(code.map((each) => each.slice(indent)).join('\n'))}</code></pre>`)
    } else if (line.startsWith('|'))
      out.push(
        toTable(
          take((each) => each.startsWith('|')),
          inline,
        ),
      )
    else if (ITEM.test(line))
      out.push(
        toList(
          take((each) => each.trim() === '' || /^\s/.test(each) || ITEM.test(each)),
          link,
        ),
      )
    else
      out.push(
        `<p>${inline(take((each) => each.trim() !== '' && !/^(#|\||\s*```)/.test(each) && !ITEM.test(each)).join('\n'))}</p>`,
      )
  }
  return out.join('\n')
}

const ITEM = /^(-|\d+\.) /

function toTable(rows: readonly string[], inline: (text: string) => string): string {
  const cells = (row: string) =>
    row
      .replace(/^\||\|\s*$/g, '')
      .split(/(?<!\\)\|/)
      .map((cell) => inline(cell.trim().replaceAll('\\|', '|')))
  const [head = '', , ...body] = rows
  const render = (row: string, tag: string) =>
    `<tr>${cells(row)
      .map((cell) => `<${tag}>${cell}</${tag}>`)
      .join('')}</tr>`
  return `<table><thead>${render(head, 'th')}</thead><tbody>${body.map((row) => render(row, 'td')).join('')}</tbody></table>`
}

/** Items reach to the next one; what is indented beneath belongs to them. */
function toList(lines: readonly string[], link: (target: string) => string): string {
  const tag = /^\d/.test(lines[0]!) ? 'ol' : 'ul'
  const items: string[][] = []
  for (const line of lines) {
    const marker = ITEM.exec(line)?.[0]
    if (marker === undefined) items.at(-1)?.push(line.replace(/^ {1,3}/, ''))
    else items.push([line.slice(marker.length)])
  }
  return `<${tag}>${items.map((item) => `<li>${toHtml(item.join('\n'), link)}</li>`).join('')}</${tag}>`
}

/** Code first: what stands in it means nothing else. */
function toInline(text: string, link: (target: string) => string): string {
  return text
    .split(/(`[^`]+`)/)
    .map((part) =>
      part.startsWith('`') && part.length > 1 ? `<code>${escapeText(part.slice(1, -1))}</code>` : toSpans(part, link),
    )
    .join('')
    .replace(
      /\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g,
      (_, label: string, target: string) => `<a href="${link(target)}">${label}</a>`,
    )
}

function toSpans(text: string, link: (target: string) => string): string {
  return escapeText(text)
    .replace(
      /!\[([^\]]*)\]\(([^)\s]+)\)/g,
      (_, alt: string, target: string) => `<img alt="${alt}" src="${link(target)}">`,
    )
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replace(/(?<![\w/.])_([^_\s][^_]*)_(?!\w)/g, '<em>$1</em>')
}
