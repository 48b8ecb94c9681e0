/** Writes docs/diagnostics.md with `--write`; without, says whether it is up to date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { order } from '../plugins/order.ts'
import { AGENT_CODES } from '../src/agent/agent-codes.ts'
import { type Code, VALUE_CODES } from '../src/corefile/codes.ts'
import { KEY_CODES } from '../src/corefile/key-codes.ts'
import { LANGUAGE_CODES } from '../src/corefile/language-codes.ts'
import { INSTANCE_CODES } from '../src/instance/instance-codes.ts'
import type { Plugin } from '../src/plugin/define.ts'

export const DIAGNOSTICS_PAGE = new URL('../docs/diagnostics.md', import.meta.url)

const INTRODUCTION = `# Diagnostics

What \`corelet check\`, the start and a reload say about a Corefile. Every finding has a code that does not change; \`…\` stands for words of
the Corefile. Errors keep a configuration from being used, warnings do not. This page is written by \`node test/generate-docs.ts --write\`.
`

const AGENT_ABOUT = `What the agent of a node says of the files that it makes its Corefile from: the template and the kube-dns ConfigMap. An error keeps the
last Corefile as it is, and counts as \`configmap\` in \`coredns_nodecache_setup_errors_total\`.`

/** Lines and columns of an example that are shown. */
const MAX_LINES = 14
const MAX_COLUMNS = 100

/** Text of docs/diagnostics.md, from the tables of codes. */
export async function generateDiagnostics(): Promise<string> {
  const sections = [
    section('Language', 'Words, braces, variables and imports.', LANGUAGE_CODES),
    section('Keys and listeners', 'The zones of server blocks, and what several blocks listen on.', KEY_CODES),
    section('Values', 'Codes that all plugins share.', VALUE_CODES),
    section('Loading plugins', 'Which plugins there are and where they come from.', INSTANCE_CODES),
  ]
  sections.push(section('The agent of a node', AGENT_ABOUT, AGENT_CODES, '', ({ key }) => `in \`${key}\`:\n\n`))
  for (const [name, load] of order.toSorted(([a], [b]) => a.localeCompare(b))) {
    const { errors = {} } = (await load()).default as Plugin
    if (Object.keys(errors).length > 0) sections.push(section(`Plugin ${name}`, '', errors, `${name}/`))
  }
  return [INTRODUCTION, ...sections].join('\n')
}

/** @param place what is said before an example */
function section<C extends Code>(
  title: string,
  about: string,
  codes: Record<string, C>,
  prefix = '',
  place: (code: C) => string = () => '',
): string {
  const entries = Object.entries(codes).map(([code, entry]) => describe(`${prefix}${code}`, entry, place(entry)))
  return [`## ${title}\n`, ...(about === '' ? [] : [`${about}\n`]), ...entries].join('\n')
}

function describe(code: string, entry: Code & { pluginConfig?: string | undefined }, place: string): string {
  const { message, hint, example, severity, pluginConfig } = entry
  const advice = /[^{}\d]/.test(hint) ? `\n${withoutParams(hint)}\n` : ''
  const list = pluginConfig === undefined ? '' : `\nwith this \`plugin.cfg\` beside it:\n\n${fence(pluginConfig)}`
  const finding = `${severity ?? 'error'}: ${quote(withoutParams(message))}`
  const shown = example === '' ? '' : `\n${place}${fence(abridge(example))}`
  return `### ${code}\n\n${finding}\n${advice}${shown}${list}`
}

function fence(text: string): string {
  return `\`\`\`\n${text.trimEnd()}\n\`\`\`\n`
}

function withoutParams(template: string): string {
  return template.replace(/\{\d\}/g, '…')
}

/** As code, within as many backticks as it takes. */
function quote(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``
}

function abridge(example: string): string {
  const lines = example.trimEnd().split('\n')
  const shown = lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), '…'] : lines
  return shown.map((line) => (line.length > MAX_COLUMNS ? `${line.slice(0, MAX_COLUMNS)}…` : line)).join('\n')
}

if (import.meta.main) {
  const text = await generateDiagnostics()
  if (process.argv.includes('--write')) {
    writeFileSync(DIAGNOSTICS_PAGE, text)
  } else if (readFileSync(DIAGNOSTICS_PAGE, 'utf8') !== text) {
    process.stderr.write('docs/diagnostics.md is out of date: node test/generate-docs.ts --write\n')
    process.exitCode = 1
  }
}
