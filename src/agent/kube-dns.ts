/**
 * The kube-dns ConfigMap as kube-dns and node-cache read it (kubernetes.io, "Customizing DNS Service"): stub domains and upstream
 * nameservers, one file for each key.
 */
import { isIP, isIPv4 } from 'node:net'
import { createDiagnostic } from '../corefile/diagnostics.ts'
import type { Diagnostic, Position } from '../corefile/model.ts'
import { AGENT_CODES } from './agent-codes.ts'

export interface KubeDnsConfig {
  /** Domain → servers as `forward` takes them; sorted by domain. */
  stubDomains: readonly (readonly [domain: string, servers: readonly string[]])[]
  /** Servers for all other names; empty means those of the node. */
  upstreamNameservers: readonly string[]
}

/** What holds without the ConfigMap. */
export const NO_KUBE_DNS: KubeDnsConfig = { stubDomains: [], upstreamNameservers: [] }

const MAX_NAMESERVERS = 3

const STUB_DOMAINS = 'an object of lists: {"example.org": ["192.0.2.53"]}'
const NAMESERVERS = 'a list of addresses: ["192.0.2.53", "192.0.2.54:5353"]'

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const MAX_SUBDOMAIN = 253

/**
 * Reads the keys of the ConfigMap. One that can't be used makes all of it unusable: there are diagnostics then, with the key's file.
 * @param keys key → value
 * @param folder where the keys are files, for positions
 */
export function parseKubeDns(
  keys: ReadonlyMap<string, string>,
  folder: string,
): { config: KubeDnsConfig; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = []
  const reader = (key: string) => new KeyReader(key, keys.get(key) ?? '', folder, diagnostics)
  const stubDomains = readStubDomains(reader('stubDomains'))
  const upstreamNameservers = readNameservers(reader('upstreamNameservers'))
  checkFederations(reader('federations'))
  return { config: { stubDomains, upstreamNameservers }, diagnostics }
}

function readStubDomains(reader: KeyReader): KubeDnsConfig['stubDomains'] {
  const value = reader.json(STUB_DOMAINS)
  if (value === undefined) return []
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    reader.report('bad-shape', [JSON.stringify(value), 'an object', STUB_DOMAINS])
    return []
  }
  const domains: [string, readonly string[]][] = []
  for (const [domain, servers] of Object.entries(value)) {
    if (!isSubdomain(domain)) reader.report('bad-stub-domain', [domain], domain)
    if (isTexts(servers) && servers.length > 0) {
      reader.checkServers(servers)
      domains.push([domain, servers])
    } else {
      reader.report('bad-shape', [JSON.stringify(servers), 'a list of addresses', STUB_DOMAINS], domain)
    }
  }
  return domains.sort(([a], [b]) => (a < b ? -1 : 1))
}

function readNameservers(reader: KeyReader): readonly string[] {
  const value = reader.json(NAMESERVERS)
  if (value === undefined) return []
  if (!isTexts(value)) {
    reader.report('bad-shape', [JSON.stringify(value), 'a list of addresses', NAMESERVERS])
    return []
  }
  if (value.length > MAX_NAMESERVERS) reader.report('too-many-nameservers', [value.length])
  reader.checkServers(value)
  return value
}

/** Federations are gone from Kubernetes; a key that could never be read is a mistake still. */
function checkFederations(reader: KeyReader): void {
  for (const each of reader.text.split(',').map((word) => word.trim())) {
    if (each === '') continue
    const [name = '', domain = '', more] = each.split('=')
    const good = more === undefined && isSubdomain(name) && isSubdomain(domain.replace(/\.$/, ''))
    if (!good) reader.report('bad-federation', [each], each)
  }
}

/** RFC 1123 §2.1 as Kubernetes checks names. */
function isSubdomain(name: string): boolean {
  return name.length <= MAX_SUBDOMAIN && name.split('.').every((label) => LABEL.test(label))
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

/** Whether `forward` takes it and kube-dns did: an address, with or without a port. */
function isNameserver(text: string): boolean {
  if (isIP(text) !== 0) return !text.includes('%')
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const address = bracketed ?? plain ?? ''
  const known = bracketed === undefined ? isIPv4(address) : isIP(address) === 6 && !address.includes('%')
  return known && Number(port) >= 1 && Number(port) <= 0xffff
}

/** One key's text, and the places in it. */
class KeyReader {
  readonly text: string
  readonly #file: string
  readonly #diagnostics: Diagnostic[]

  constructor(key: string, text: string, folder: string, diagnostics: Diagnostic[]) {
    this.text = text
    this.#file = `${folder}/${key}`
    this.#diagnostics = diagnostics
  }

  /** The value; undefined when there is none or it is no JSON. */
  json(expected: string): unknown {
    if (this.text.trim() === '') return undefined
    try {
      return JSON.parse(this.text) as unknown
    } catch (error) {
      const { message } = error as SyntaxError
      const at = /position (\d+)/.exec(message)?.[1]
      this.#add('bad-json', [message, expected], at === undefined ? this.text.length : Number(at), 1)
      return undefined
    }
  }

  checkServers(servers: readonly string[]): void {
    for (const server of servers) if (!isNameserver(server)) this.report('bad-nameserver', [server], server)
  }

  /** Reports at the first place where `word` stands, or at the beginning. */
  report(code: keyof typeof AGENT_CODES, params: readonly (string | number)[], word = ''): void {
    const at = word === '' ? 0 : this.text.indexOf(word)
    this.#add(code, params, Math.max(at, 0), word === '' ? this.text.trimEnd().length : word.length)
  }

  #add(code: keyof typeof AGENT_CODES, params: readonly (string | number)[], offset: number, length: number): void {
    const before = this.text.slice(0, offset).split('\n')
    const position: Position = {
      file: this.#file,
      line: before.length,
      column: before.at(-1)!.length + 1,
      length: Math.max(length, 1),
      imports: [],
    }
    this.#diagnostics.push(createDiagnostic({ position, code, params }, AGENT_CODES))
  }
}
