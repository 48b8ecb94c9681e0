/**
 * Makes a site of the README, the pages in docs/ and the plugins' READMEs: HTML that needs no network and no script.
 *
 * node deploy/site/build.ts FOLDER
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, posix, resolve } from 'node:path'
import { toHtml } from './markdown.ts'

const root = join(import.meta.dirname, '../..')
const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('a FOLDER is needed')
const out = resolve(folder)

const STYLE = `body{max-width:66rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif;color:#1f2328;background:#fff}
nav{border-bottom:1px solid #d0d7de;padding-bottom:.5rem}nav a{margin-right:1rem}a{color:#0969da}img{max-width:100%}
code{background:#f6f8fa;padding:.1em .3em;border-radius:4px;overflow-wrap:break-word}pre{background:#f6f8fa;padding:1rem;overflow:auto;border-radius:6px}pre code{padding:0}
table{border-collapse:collapse;display:block;overflow:auto;margin:1rem 0}td,th{border:1px solid #d0d7de;padding:.3rem .6rem;text-align:left;vertical-align:top}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}a{color:#58a6ff}code,pre{background:#161b22}td,th,nav{border-color:#30363d}img{background:#fff}}`

const NAVIGATION = {
  'README.md': 'corelet',
  'docs/index.md': 'Pages',
  'docs/install.md': 'Install',
  'docs/server.md': 'Server',
  'docs/corefile.md': 'Corefile',
  'docs/plugins.md': 'Plugins',
}

/** Paths of all pages. */
const pages = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`),
  'deploy/helm/corelet/README.md',
  ...readdirSync(join(root, 'plugins')).map((name) => `plugins/${name}/README.md`),
].filter((path) => existsSync(join(root, path)))

for (const page of pages) {
  const markdown = readFileSync(join(root, page), 'utf8')
  const title = /^# (.*)$/m.exec(markdown)?.[1] ?? page
  const up = posix.relative(posix.dirname(page), '.') || '.'
  const links = Object.entries(NAVIGATION).map(([path, name]) => `<a href="${up}/${toFile(path)}">${name}</a>`)
  write(
    toFile(page),
    `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title.replace(/[<&]/g, '')}</title><style>${STYLE}</style></head>
<body><nav>${links.join('')}</nav>
${toHtml(markdown, (target) => follow(page, target))}
</body></html>
`,
  )
}

/** Where a page of the repository is on the site. */
function toFile(page: string): string {
  return page.replace(/README\.md$/, 'index.html').replace(/\.md$/, '.html')
}

/** Links between pages lead to pages; other files of the repository are copied beside them, so that no link leads nowhere. */
function follow(page: string, target: string): string {
  if (/^(https?:|mailto:|#)/.test(target)) return target
  const [path = '', anchor] = target.split('#')
  const file = posix.join(posix.dirname(page), path)
  if (!file.endsWith('.md') && !file.endsWith('/')) {
    mkdirSync(dirname(join(out, file)), { recursive: true })
    cpSync(join(root, file), join(out, file), { recursive: true })
  }
  return toFile(path) + (anchor === undefined ? '' : `#${anchor}`)
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(out, path)), { recursive: true })
  writeFileSync(join(out, path), text)
}
