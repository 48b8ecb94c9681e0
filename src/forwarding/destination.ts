import { isIP, isIPv6 } from 'node:net'
import { custom, type Value } from '../plugin/index.ts'
import type { Target } from '../upstream/target.ts'

/** A TO argument, told apart by its form alone. */
export type Destination =
  | { kind: 'server'; target: Target }
  | { kind: 'file'; path: string; transport: 'dns' | 'grpc' }
  | {
      kind: 'host'
      name: string
      transport: Target['transport']
      port: number
      /** The file that it stands for if there is one. What is to be asked over TLS never is one: a file lists servers for plain DNS. */
      path?: string
    }

const PORTS = { dns: 53, tls: 853, https: 443, grpc: 53 } as const

/** Reads a TO argument. */
export const destination: Value<Destination> = custom('TO', 'destination', (token, report) => {
  const [, scheme = 'dns', rest = ''] = /^(?:([a-z0-9]+):\/\/|(?=unix:))?(.*)$/is.exec(token.text)!
  const transport = rest.startsWith('unix:') ? 'unix' : scheme.toLowerCase()
  if (transport !== 'dns' && transport !== 'tls' && transport !== 'https') {
    return void report(token, 'transport-not-supported', transport, token.text)
  }
  if (transport === 'https' && rest.includes('/')) return void report(token, 'path-not-allowed', token.text)
  const found = readServer(rest, transport) ?? readFile(rest) ?? readHost(rest, transport)
  if (!found) report(token, 'bad-destination', token.text)
  return found
})

/** Reads a TO argument of `grpc`: an address, a file, or `unix://PATH`. */
export const grpcDestination: Value<Destination> = custom('TO', 'destination', (token, report) => {
  const [, path] = /^unix:\/\/(\/.+)$/.exec(token.text) ?? []
  if (path) return { kind: 'server', target: { transport: 'grpc', address: path, port: 0 } }
  const scheme = /^[a-z0-9]+:\/\//i.test(token.text) || token.text.startsWith('unix:')
  const found = scheme ? undefined : (readServer(token.text, 'grpc') ?? readFile(token.text, 'grpc'))
  if (!found) report(token, 'bad-destination', token.text)
  return found
})

/** `IP`, `IP:PORT`, `[IPv6]:PORT`; with TLS, `%NAME` behind the address is the name of its certificate. */
function readServer(text: string, transport: Target['transport']): Destination | undefined {
  const [, before = text, serverName, behind = ''] = (transport === 'tls' && /^(.*?)%([^:\]]+)(.*)$/.exec(text)) || []
  if (isIPv6(before) && behind !== '') return undefined
  const bare = before + behind
  const { host, port } = isIP(bare) > 0 ? { host: bare, port: undefined } : splitPort(bare)
  const address = host.replace(/^\[(.*)\]$/, '$1')
  if (isIP(address) === 0) return undefined
  const name = serverName === undefined ? {} : { serverName }
  return { kind: 'server', target: { transport, address, port: port ?? PORTS[transport], ...name } }
}

/** The parts of `HOST:PORT`; `port` is undefined when there is none or it is not a number from 1 to 65535. */
function splitPort(text: string): { host: string; port: number | undefined } {
  const match = /^(.*):(\d{1,5})$/s.exec(text)
  const port = Number(match?.[2])
  return match && port > 0 && port <= 0xffff ? { host: match[1]!, port } : { host: text, port: undefined }
}

/** A scheme in front of a file name has no meaning: what the file lists is asked over plain DNS, or gRPC. */
function readFile(text: string, transport: 'dns' | 'grpc' = 'dns'): Destination | undefined {
  return text.includes('/') || text.startsWith('.') ? { kind: 'file', path: text, transport } : undefined
}

function readHost(text: string, transport: Target['transport']): Destination | undefined {
  const { host, port = PORTS[transport] } = splitPort(text)
  const labels = host.replace(/\.$/, '').split('.')
  if (host.length > 254 || !labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label)))
    return undefined
  return { kind: 'host', name: host, transport, port, ...(transport === 'dns' && { path: text }) }
}
