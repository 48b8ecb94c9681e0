/** From the template in the ConfigMap to the Corefile: variables, stub domains, custom blocks. */
import { createDiagnostic } from '../corefile/diagnostics.ts'
import { lex, type Word } from '../corefile/lexer.ts'
import type { Diagnostic } from '../corefile/model.ts'
import { AGENT_CODES } from './agent-codes.ts'
import { findDirectives } from './directives.ts'
import type { KubeDnsConfig } from './kube-dns.ts'

/** What the variables of a template stand for. */
export interface TemplateValues {
  /** Addresses of `-localip`. */
  localIps: readonly string[]
  /** The service that leads past this cache; undefined when it is not known. */
  upstreamService: string | undefined
  /** Name of that service, for messages. */
  upstreamServiceName: string
  /** `-prometheus-listen-address`. */
  prometheusAddress: string
  /** Port of stub domains' blocks: `-dns.port`. */
  dnsPort: number
  kubeDns: KubeDnsConfig
  /** Paths of custom files: lines for the root zone's block, and blocks. */
  overrides: readonly string[]
  servers: readonly string[]
}

const UPSTREAM_SERVERS = '__PILLAR__UPSTREAM__SERVERS__'
const CLUSTER_DNS = '__PILLAR__CLUSTER__DNS__'

/** A forward to the node's resolvers that asks for TCP, and for nothing else. */
const FORCED_TCP = /(forward\s+\.\s+__PILLAR__UPSTREAM__SERVERS__)[ \t]*\{\s*force_tcp\s*\}/g

/** A Corefile, and what is doubtful about it; or why there is none. */
export type Rendered = { text: string; warnings: Diagnostic[] } | { diagnostic: Diagnostic }

/**
 * The Corefile. There is an error instead when the template can't be used with these values.
 * @param file path of the template, for positions
 */
export function renderCorefile(file: string, template: string, values: TemplateValues): Rendered {
  const { words } = lex(file, template)
  const wantsService = words.find((word) => word.raw.includes(CLUSTER_DNS))
  if (wantsService && values.upstreamService === undefined) {
    const name = values.upstreamServiceName
    return { diagnostic: fault('unknown-upstream-service', wantsService, [name, toVariableName(name)]) }
  }
  const opening = findRootBlock(words, values.dnsPort)
  if (values.overrides.length > 0 && !opening) {
    return { diagnostic: fault('no-root-block', words[0], [values.overrides[0]!], file) }
  }
  const overrides = importLines(values.overrides, '    ')
  const extended = opening && overrides !== '' ? insertBelow(template, opening, overrides) : template
  const parts = [
    replaceVariables(extended, values),
    ...values.kubeDns.stubDomains.map((each) => stubBlock(each, values)),
  ]
  const servers = importLines(values.servers, '')
  if (servers !== '') parts.push(servers)
  const warnings = values.kubeDns.upstreamNameservers.length > 0 ? warnOfTcp(words, template) : []
  return { text: parts.map((part) => (part.endsWith('\n') ? part : `${part}\n`)).join(''), warnings }
}

/** Forwards that TCP is not taken out of, since they have other options, too. */
function warnOfTcp(words: readonly Word[], template: string): Diagnostic[] {
  const lines = template.split('\n')
  return findDirectives(words, 'forward').flatMap(([first, ...rest]) => {
    if (!rest.some(({ text }) => text === UPSTREAM_SERVERS)) return []
    const options = optionsBehind(words, rest.at(-1)!)
    const forced = options.find(({ text, startsLine }) => startsLine && text === 'force_tcp')
    const text = lines
      .slice(first!.position.line - 1)
      .join('\n')
      .trimStart()
    const isReplaced = text.search(FORCED_TCP) === 0
    return forced && !isReplaced ? [fault('forced-tcp', forced, [])] : []
  })
}

/** The words between the braces behind a word. */
function optionsBehind(words: readonly Word[], last: Word): readonly Word[] {
  const behind = words.slice(words.indexOf(last) + 1)
  if (behind[0]?.text !== '{') return []
  return behind.slice(
    1,
    behind.findIndex(({ text, startsLine }) => startsLine && text === '}'),
  )
}

/** The environment variable in which Kubernetes tells a service's address: `KUBE_DNS_UPSTREAM_SERVICE_HOST`. */
export function toVariableName(service: string): string {
  return `${service.toUpperCase().replaceAll('-', '_')}_SERVICE_HOST`
}

/** The order matters: an own upstream nameserver rarely answers over TCP, so the line that forces it goes first. */
function replaceVariables(template: string, values: TemplateValues): string {
  const { upstreamNameservers } = values.kubeDns
  const own = upstreamNameservers.length > 0
  const localIps = values.localIps.join(' ')
  return (own ? template.replace(FORCED_TCP, '$1') : template)
    .replaceAll(UPSTREAM_SERVERS, () => (own ? upstreamNameservers.join(' ') : '/etc/resolv.conf'))
    .replaceAll(CLUSTER_DNS, () => values.upstreamService ?? '')
    .replaceAll('__PILLAR__LOCAL__DNS__', () => localIps)
    .replaceAll('__PILLAR__DNS__SERVER__', '')
    .replaceAll('__PROMETHEUS__ENDPOINT__', () => values.prometheusAddress)
}

function stubBlock([domain, servers]: readonly [string, readonly string[]], values: TemplateValues): string {
  return `${domain}:${values.dnsPort} {
    errors
    cache 30
    bind ${values.localIps.join(' ')}
    forward . ${servers.join(' ')}
}
`
}

function importLines(paths: readonly string[], indent: string): string {
  return paths.map((path) => `${indent}import ${quote(path)}\n`).join('')
}

function quote(path: string): string {
  return /[\s"#]/.test(path) ? `"${path.replaceAll('"', '\\"')}"` : path
}

/** The brace that opens the block of the root zone on the port that pods ask. */
function findRootBlock(words: readonly Word[], dnsPort: number): Word | undefined {
  let depth = 0
  let isRoot = false
  for (const word of words) {
    if (!word.quoted && word.text === '{') {
      if (depth++ === 0 && isRoot) return word
    } else if (!word.quoted && word.text === '}') {
      if (--depth === 0) isRoot = false
    } else if (depth === 0) {
      isRoot ||= isRootKey(word.text, dnsPort)
    }
  }
  return undefined
}

function isRootKey(text: string, dnsPort: number): boolean {
  const [key, port = dnsPort] = /^(?:dns:\/\/)?\.(?::(\d+))?,?$/.exec(text) ?? []
  return key !== undefined && Number(port) === dnsPort
}

/** `text` goes below the line that `word` stands on. */
function insertBelow(template: string, word: Word, text: string): string {
  const lines = template.split('\n')
  return [...lines.slice(0, word.position.line), text.trimEnd(), ...lines.slice(word.position.line)].join('\n')
}

function fault(
  code: keyof typeof AGENT_CODES,
  word: Word | undefined,
  params: readonly string[],
  file = '',
): Diagnostic {
  const position = word?.position ?? { file, line: 1, column: 1, length: 1, imports: [] }
  return createDiagnostic({ position, code, params }, AGENT_CODES)
}
