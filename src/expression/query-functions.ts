/** What expressions of plugins can ask about a query. */
import { addressToOctets } from '../dns/address.ts'
import { createNetworkMatch } from '../plugin/networks.ts'
import type { Query } from '../plugin/query.ts'
import type { Environment, FunctionDefinition } from './environment.ts'
import { EvaluationError } from './errors.ts'
import { Time } from './time.ts'
import type { Type, Value } from './values.ts'

/** What such an expression looks at. */
export interface QueryContext {
  query: Query
  /** Milliseconds since 1970. */
  now: number
}

type QueryFunction = FunctionDefinition<QueryContext>

function ask(result: Type, call: (query: Query) => Value): QueryFunction {
  return { params: [], result, call: (_args, { context }) => call(context.query) }
}

/** Tests for networks by their text: they are written in the Corefile, so there are few. */
const networks = new Map<string, (address: string) => boolean>()
const MAX_NETWORKS = 256

function toNetworkTest(text: string): (address: string) => boolean {
  const known = networks.get(text)
  if (known) return known
  const [, address = '', length = ''] = /^(.+)\/(\d{1,3})$/.exec(text) ?? []
  const octets = addressToOctets(address)
  const bits = Number(length)
  if (!octets || bits > octets.length * 8) throw new EvaluationError(`invalid CIDR address: ${text}`)
  const test = createNetworkMatch([{ address, bits }])
  if (networks.size >= MAX_NETWORKS) networks.clear()
  networks.set(text, test)
  return test
}

function isWithin(address: string, cidr: string): boolean {
  if (!addressToOctets(address.replace(/%.*$/, ''))) throw new EvaluationError(`invalid IP address: ${address}`)
  return toNetworkTest(cidr)(address)
}

/** The functions that expressions of `view` and `template` have beside those of the language. */
export const QUERY_FUNCTIONS: Readonly<Record<string, QueryFunction>> = {
  type: ask('string', (query) => query.type),
  name: ask('string', (query) => query.name),
  class: ask('string', (query) => query.class),
  proto: ask('string', (query) => query.proto),
  size: ask('int', (query) => query.packet.length),
  client_ip: ask('string', (query) => query.client.address.replace(/%.*$/, '')),
  port: ask('string', (query) => String(query.client.port)),
  server_ip: ask('string', (query) => query.local.address.replace(/%.*$/, '')),
  server_port: ask('string', (query) => String(query.local.port)),
  id: ask('int', (query) => query.id),
  opcode: ask('int', (query) => query.opcode),
  do: ask('bool', (query) => query.dnssecOk),
  bufsize: ask('int', (query) => query.maxSize),
  incidr: {
    params: ['string', 'string'],
    result: 'bool',
    call: ([address, cidr]) => isWithin(address as string, cidr as string),
  },
  metadata: {
    params: ['string'],
    result: 'string',
    call: ([label], { context }) => context.query.metadata(label as string) ?? '',
  },
  now: { params: [], result: 'time', call: (_args, { context }) => new Time(context.now) },
}

/** Those functions alone. */
export const QUERY_ENVIRONMENT: Environment<QueryContext> = { functions: QUERY_FUNCTIONS }
