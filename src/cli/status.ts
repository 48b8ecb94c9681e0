import { isIP } from 'node:net'
import { type AgentStatus, findAgents, type LivingAgent } from '../agent/agent-status.ts'
import { type Candidate, type Examination, examine } from '../agent/examine.ts'
import { exec } from '../agent/exec.ts'
import { Link } from '../agent/link.ts'
import { scrapeCounts } from './agent-scrape.ts'
import { describeFlags, type Flags, parseGoFlags, UsageError } from './go-flags.ts'
import { type AgentReport, judge, renderStatus } from './status-report.ts'
import { defineSubcommand } from './subcommand.ts'

const FLAGS = {
  address: { type: 'string', usage: 'Addresses to ask, with commas between them (default those of the agents)' },
  secret: { type: 'string', usage: 'What the agent is told by where its sockets are not seen, as in a pod' },
  'dns.port': { type: 'string', usage: 'Port to ask where no agent says it (default 53)' },
  format: { type: 'string', usage: 'text or json (default "text")' },
  h: { type: 'boolean', usage: 'Show this text' },
  help: { type: 'boolean', usage: 'Show this text' },
} satisfies Flags

const USAGE = `Usage of corelet status:
  corelet status [FLAGS]

Finds the agents of this network, asks their addresses as a client, and says who answers. Exit status: 0 the agents answer all
queries, 1 they do not, 2 wrong use.

Flags:
${describeFlags(FLAGS)}`

interface Request {
  addresses: readonly string[]
  secret: string | undefined
  dnsPort: number
  json: boolean
}

/** `corelet status`: says whether queries are answered by the agent of this node. */
export const status = defineSubcommand<Request>({
  usage: USAGE,
  read: readArguments,
  async work(request) {
    const agents = await Promise.all((await findAgents()).map(look))
    const asked = await askAll(agents, request)
    const report = judge(agents, asked, request.addresses.length > 0)
    process.stdout.write(request.json ? `${JSON.stringify(report, undefined, 2)}\n` : renderStatus(report))
    return report.effective ? 0 : 1
  },
})

/** undefined asks for the usage. @throws UsageError */
function readArguments(args: readonly string[]): Request | undefined {
  const { values, rest } = parseGoFlags(args, FLAGS)
  if (values['h'] || values['help']) return undefined
  if (rest.length > 0) throw new UsageError(`extra command line arguments: [${rest.join(' ')}]`)
  const { address = '', secret, format = 'text' } = values as Record<string, string | undefined>
  const addresses = address.split(',').filter((each) => each !== '')
  const wrong = addresses.find((each) => isIP(each) === 0)
  if (wrong !== undefined)
    throw new UsageError(`invalid value "${address}" for flag -address: "${wrong}" is no address`)
  if (secret !== undefined && !/^[0-9a-f]{32}$/.test(secret)) {
    throw new UsageError(`invalid value "${secret}" for flag -secret: not 32 hexadecimal digits`)
  }
  if (format !== 'text' && format !== 'json') {
    throw new UsageError(`invalid value "${format}" for flag -format: not text or json`)
  }
  const port = String(values['dns.port'] ?? 53)
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 0xffff) {
    throw new UsageError(`invalid value "${port}" for flag -dns.port: not a port number`)
  }
  return { addresses, secret, dnsPort: Number(port), json: format === 'json' }
}

async function look(agent: LivingAgent): Promise<AgentReport> {
  if (!agent.status) return { ...agent, linkState: undefined, counts: 'unknown' }
  const { link, metricsAddress } = agent.status
  const [linkState, counts] = await Promise.all([lookAtLink(link), scrapeCounts(metricsAddress)])
  return { ...agent, linkState, counts }
}

async function lookAtLink({ name, type }: AgentStatus['link']): Promise<AgentReport['linkState']> {
  if (type === 'none') return undefined
  return new Link(exec, name, type).look().catch((error: Error) => error.message)
}

function askAll(agents: readonly LivingAgent[], request: Request): Promise<Examination[]> {
  const { secret } = request
  const given = secret === undefined ? [] : [{ id: 'of that secret', secret }]
  const candidates: (Candidate & { addresses: readonly string[] })[] = agents.flatMap(({ id, addresses, status }) =>
    status ? [{ id, addresses, secret: status.secret }] : [],
  )
  const addresses = request.addresses.length > 0 ? request.addresses : agents.flatMap((each) => each.addresses)
  const portOf = (address: string) =>
    agents.find((each) => each.addresses.includes(address))?.status?.dnsPort ?? request.dnsPort
  return Promise.all(
    [...new Set(addresses)].map((address) => {
      const likely = candidates.filter((each) => each.addresses.includes(address))
      return examine(address, portOf(address), [...given, ...(likely.length > 0 ? likely : candidates)])
    }),
  )
}
