import { isIP } from 'node:net'
import { join } from 'node:path'
import { createDiagnostic } from '../corefile/diagnostics.ts'
import type { Diagnostic } from '../corefile/model.ts'
import { renderText } from '../corefile/render.ts'
import type { Logger } from '../plugin/log.ts'
import { AGENT_CODES } from './agent-codes.ts'
import { readKeys, readText, replaceFile } from './config-files.ts'
import { type Rendered, renderCorefile, toVariableName } from './corefile-template.ts'
import { listUpstreams, usesDirective } from './directives.ts'
import { type KubeDnsConfig, NO_KUBE_DNS, parseKubeDns } from './kube-dns.ts'
import type { AgentOptions } from './options.ts'

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
  /** Says what is wrong with a Corefile before it takes the place of the last one; nothing before there is a server to ask. */
  check(corefile: { file: string; text: string }): Promise<readonly Diagnostic[]>
  /** Told when the Corefile, or what it names, is another: the server has something to read. */
  changed(): void
}

/** All that a Corefile is made from, as text. */
interface Sources {
  template: { text: string } | { error: string }
  /** Address of the service that leads past this cache. */
  service: string | undefined
  kubeDns: ReadonlyMap<string, string>
  custom: ReadonlyMap<string, string>
}

/**
 * Keeps the server's Corefile in step with the template, the kube-dns ConfigMap and the custom files. What can't be used is said once and
 * leaves the Corefile as it is; it is tried again when it changes.
 */
export class CorefileMaker {
  readonly #context: MakerContext
  /** What the last look saw. */
  #seen: string | undefined
  #kubeDns: KubeDnsConfig = NO_KUBE_DNS
  /** The Corefile as it was written, and the custom files that go with it. */
  #written = ''
  #custom = ''
  /** What the files say that the Corefile forwards to, such as /etc/resolv.conf. */
  #nameservers = ''

  constructor(context: MakerContext) {
    this.#context = context
  }

  /** What the Corefile forwards to. */
  get upstreams(): readonly string[] {
    return listUpstreams(this.#written)
  }

  /** The Corefile has the server read it again when it changes. */
  get reloads(): boolean {
    return usesDirective(this.#written, 'reload')
  }

  /** Looks at the files and writes the Corefile when they make another one than last time. */
  async make(): Promise<Made> {
    const sources = this.#read()
    const fingerprint = JSON.stringify([sources.template, sources.service, [...sources.kubeDns], [...sources.custom]])
    if (fingerprint === this.#seen) return this.#followNameservers()
    this.#seen = fingerprint
    const kubeDnsGood = this.#takeKubeDns(sources.kubeDns)
    const rendered = this.#render(sources)
    if ('diagnostic' in rendered) return this.#reject([rendered.diagnostic])
    this.#say(rendered.warnings, this.#sources())
    const custom = JSON.stringify([...sources.custom])
    if (rendered.text !== this.#written || custom !== this.#custom) {
      const problems = await this.#context.check({ file: this.#context.options.corefile, text: rendered.text })
      if (problems.some(({ severity }) => severity === 'error')) return this.#reject(problems, rendered.text)
      this.#write(rendered.text, custom)
      if (kubeDnsGood) return 'written'
    }
    return kubeDnsGood ? 'unchanged' : 'rejected'
  }

  #write(text: string, custom: string): void {
    const { options, log, changed } = this.#context
    if (text !== this.#written) {
      replaceFile(options.corefile, text)
      log.info(`Corefile ${options.corefile} is made from ${options.template}`)
    } else {
      log.info(`custom files of ${options.customFolder} have changed`)
    }
    this.#written = text
    this.#custom = custom
    this.#nameservers = this.#readNameservers()
    changed()
  }

  /** The Corefile is as it was; the addresses that it has from a file may not be. */
  #followNameservers(): Made {
    const now = this.#readNameservers()
    if (now === this.#nameservers) return 'unchanged'
    this.#nameservers = now
    this.#context.log.info('the nameservers that the Corefile has from a file have changed')
    this.#context.changed()
    return 'written'
  }

  #readNameservers(): string {
    const files = this.upstreams.filter((each) => each.includes('/') && !each.includes('://'))
    return JSON.stringify(files.map(readText))
  }

  #read(): Sources {
    const { template, upstreamService, kubeDnsFolder, customFolder } = this.#context.options
    return {
      template: readText(template),
      service: findService(upstreamService, this.#context.env),
      kubeDns: readKeys(kubeDnsFolder),
      custom: readKeys(customFolder),
    }
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

  #render({ template, service, custom }: Sources): Rendered {
    const { options } = this.#context
    if ('error' in template) {
      const position = { file: options.template, line: 1, column: 1, length: 1, imports: [] }
      const finding = { position, code: 'unreadable-template', params: [template.error] }
      return { diagnostic: createDiagnostic(finding, AGENT_CODES) }
    }
    const paths = (ending: string) =>
      [...custom.keys()].filter((name) => name.endsWith(ending)).map((name) => join(options.customFolder, name))
    return renderCorefile(options.template, template.text, {
      ...options,
      upstreamService: service,
      upstreamServiceName: options.upstreamService,
      prometheusAddress: options.prometheusAddress,
      kubeDns: this.#kubeDns,
      overrides: paths('.override'),
      servers: paths('.server'),
    })
  }

  /** @param text of the Corefile that is not written */
  #reject(diagnostics: readonly Diagnostic[], text?: string): Made {
    this.#say(diagnostics, this.#sources(text))
    return 'rejected'
  }

  /** Texts of the files that diagnostics are about. */
  #sources(corefile?: string): [file: string, text: string][] {
    const { options } = this.#context
    const template = readText(options.template)
    return [
      ...('text' in template ? [[options.template, template.text] as [string, string]] : []),
      ...(corefile === undefined ? [] : [[options.corefile, corefile] as [string, string]]),
    ]
  }

  #say(diagnostics: readonly Diagnostic[], sources: readonly [file: string, text: string][]): void {
    const { log } = this.#context
    for (const each of diagnostics) {
      const lines = renderText([each], new Map(sources)).split('\n')
      for (const line of lines) if (line !== '') log[each.severity](line)
    }
  }
}

/** The address of `-upstreamsvc`: itself, what stands in the file, or what Kubernetes put into the environment. */
function findService(service: string, env: MakerContext['env']): string | undefined {
  if (isIP(service) !== 0) return service
  const value = service.includes('/') ? readWord(service) : (env[toVariableName(service)] ?? '')
  return isIP(value) === 0 ? undefined : value
}

function readWord(file: string): string {
  const content = readText(file)
  return 'text' in content ? content.text.trim() : ''
}
