import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { dirname, join } from 'node:path'
import { createDiagnostic } from '../corefile/diagnostics.ts'
import type { Diagnostic } from '../corefile/model.ts'
import { renderText } from '../corefile/render.ts'
import type { Logger } from '../plugin/log.ts'
import { AGENT_CODES } from './agent-codes.ts'
import { renderCorefile, toVariableName } from './corefile-template.ts'
import { type KubeDnsConfig, NO_KUBE_DNS, parseKubeDns } from './kube-dns.ts'
import type { AgentOptions } from './options.ts'
import { listUpstreams } from './upstreams.ts'

/** What comes of one look at the files that the Corefile is made from. */
export type Made = 'unchanged' | 'written' | 'rejected'

export interface MakerContext {
  options: Pick<
    AgentOptions,
    | 'localIps'
    | 'template'
    | 'corefile'
    | 'kubeDnsFolder'
    | 'customFolder'
    | 'upstreamService'
    | 'prometheusAddress'
    | 'dnsPort'
  >
  env: Readonly<Record<string, string | undefined>>
  log: Logger
  /** Says what is wrong with a Corefile before it takes the place of the last one; left out before there is a server to ask. */
  check?: (corefile: { file: string; text: string }) => Promise<readonly Diagnostic[]>
}

/** All that a Corefile is made from, as text. */
interface Sources {
  template: { text: string } | { error: string }
  kubeDns: ReadonlyMap<string, string>
  custom: ReadonlyMap<string, string>
}

/**
 * Keeps the server's Corefile in step with the template, the kube-dns ConfigMap and the custom files. What can't be used is said once and
 * leaves the Corefile as it is; it is tried again when it changes.
 */
export class CorefileMaker {
  check: MakerContext['check']
  readonly #context: MakerContext
  #seen: string | undefined
  #kubeDns: KubeDnsConfig = NO_KUBE_DNS
  #written: string | undefined

  constructor(context: MakerContext) {
    this.#context = context
    this.check = context.check
  }

  /** What the Corefile forwards to. */
  get upstreams(): readonly string[] {
    return listUpstreams(this.#written ?? '')
  }

  /** Looks at the files and writes the Corefile when they make another one than last time. */
  async make(): Promise<Made> {
    const { options } = this.#context
    const sources = this.#read()
    const fingerprint = JSON.stringify([sources.template, [...sources.kubeDns], [...sources.custom]])
    if (fingerprint === this.#seen) return 'unchanged'
    this.#seen = fingerprint
    const kubeDnsGood = this.#takeKubeDns(sources.kubeDns)
    const rendered = this.#render(sources)
    if ('diagnostic' in rendered) return this.#reject([rendered.diagnostic])
    if (rendered.text === this.#written) return kubeDnsGood ? 'unchanged' : 'rejected'
    const problems = (await this.check?.({ file: options.corefile, text: rendered.text })) ?? []
    if (problems.some(({ severity }) => severity === 'error')) {
      return this.#reject(problems, [options.corefile, rendered.text])
    }
    replaceFile(options.corefile, rendered.text)
    this.#written = rendered.text
    this.#context.log.info(`Corefile ${options.corefile} is made from ${options.template}`)
    return kubeDnsGood ? 'written' : 'rejected'
  }

  #read(): Sources {
    const { template, kubeDnsFolder, customFolder } = this.#context.options
    return { template: readText(template), kubeDns: readKeys(kubeDnsFolder), custom: readKeys(customFolder) }
  }

  /** A bad ConfigMap counts as the last good one. */
  #takeKubeDns(keys: ReadonlyMap<string, string>): boolean {
    const folder = this.#context.options.kubeDnsFolder
    const { config, diagnostics } = parseKubeDns(keys, folder)
    if (diagnostics.length > 0) {
      this.#say(
        diagnostics,
        [...keys].map(([key, text]) => [join(folder, key), text]),
      )
      return false
    }
    this.#kubeDns = config
    return true
  }

  #render({ template, custom }: Sources): ReturnType<typeof renderCorefile> {
    const { options, env } = this.#context
    if ('error' in template) {
      const position = { file: options.template, line: 1, column: 1, length: 1, imports: [] }
      const finding = { position, code: 'unreadable-template', params: [template.error] }
      return { diagnostic: createDiagnostic(finding, AGENT_CODES) }
    }
    const paths = (ending: string) =>
      [...custom.keys()].filter((name) => name.endsWith(ending)).map((name) => join(options.customFolder, name))
    return renderCorefile(options.template, template.text, {
      ...options,
      upstreamService: findService(options.upstreamService, env),
      upstreamServiceName: options.upstreamService,
      prometheusAddress: options.prometheusAddress,
      kubeDns: this.#kubeDns,
      overrides: paths('.override'),
      servers: paths('.server'),
    })
  }

  #reject(diagnostics: readonly Diagnostic[], ...sources: [file: string, text: string][]): Made {
    const template = readText(this.#context.options.template)
    if ('text' in template) sources.push([this.#context.options.template, template.text])
    this.#say(diagnostics, sources)
    return 'rejected'
  }

  #say(diagnostics: readonly Diagnostic[], sources: readonly [file: string, text: string][]): void {
    const lines = renderText(diagnostics, new Map(sources)).split('\n')
    for (const line of lines) if (line !== '') this.#context.log.error(line)
  }
}

/** The address of `-upstreamsvc`: itself, or what Kubernetes put into the environment. */
function findService(service: string, env: MakerContext['env']): string | undefined {
  if (isIP(service) !== 0) return service
  const value = env[toVariableName(service)] ?? ''
  return isIP(value) === 0 ? undefined : value
}

function readText(path: string): { text: string } | { error: string } {
  try {
    return { text: readFileSync(path, 'utf8') }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

/** The files of a mounted ConfigMap, sorted by name; those whose name begins with a dot are Kubernetes' own. */
function readKeys(folder: string): ReadonlyMap<string, string> {
  const keys = new Map<string, string>()
  if (folder === '') return keys
  for (const name of listFolder(folder)) {
    const content = name.startsWith('.') ? { error: '' } : readText(join(folder, name))
    if ('text' in content) keys.set(name, content.text)
  }
  return keys
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

/** In one step, so that no reader sees half of it; in place where the file is a mount of its own. */
function replaceFile(path: string, text: string): void {
  const fresh = `${path}.new`
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(fresh, text, { mode: 0o644 })
    renameSync(fresh, path)
  } catch {
    rmSync(fresh, { force: true })
    writeFileSync(path, text)
  }
}
