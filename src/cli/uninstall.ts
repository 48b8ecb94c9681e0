import { findAgents, type LivingAgent } from '../agent/agent-status.ts'
import { exec } from '../agent/exec.ts'
import { Ownership } from '../agent/ownership.ts'
import { findRemains, type Place, removeRemains } from '../agent/uninstall.ts'
import { AGENT_FLAGS, readPlace } from './agent-flags.ts'
import { describeFlags, type Flags, parseGoFlags, UsageError } from './go-flags.ts'
import { RUN_FLAGS } from './run-flags.ts'
import { defineSubcommand } from './subcommand.ts'

const OWN_FLAGS = {
  'dry-run': { type: 'boolean', usage: 'Say what would be removed, and remove nothing' },
  force: { type: 'boolean', usage: 'Remove things beneath agents that live; those put back what they miss' },
} satisfies Flags

const { localip, interfacename, setupinterface, setupiptables } = AGENT_FLAGS

const USAGE = `Usage of corelet uninstall:
  corelet uninstall [FLAGS]

Removes rules, addresses and link of an agent that has ended, however it did, of node-cache, too. Looks again then, and says what is
left. All flags of the agent may be given as they were given to it. Exit status: 0 nothing is left, 1 something is, 2 wrong use.

Flags:
${describeFlags({ localip, interfacename, 'link-type': AGENT_FLAGS['link-type'], setupinterface, setupiptables, ...OWN_FLAGS })}`

interface Request {
  place: Place
  dryRun: boolean
  force: boolean
}

/** `corelet uninstall`: frees the node from what an agent made, and proves it. */
export const uninstall = defineSubcommand<Request>({
  usage: USAGE,
  read(args) {
    const { values, rest } = parseGoFlags(args, { ...RUN_FLAGS, ...OWN_FLAGS })
    if (values['h'] || values['help']) return undefined
    if (rest.length > 0) throw new UsageError(`extra command line arguments: [${rest.join(' ')}]`)
    return { place: readPlace(values), dryRun: values['dry-run'] === true, force: values['force'] === true }
  },
  work: (request) =>
    free(request).catch((error: Error) => {
      process.stderr.write(`${error.message}\n`)
      return 1
    }),
})

async function free({ place, dryRun, force }: Request): Promise<number> {
  const agents = await findAgents()
  const living = agents.map(describeAgent)
  if (living.length > 0 && !force && !dryRun) {
    say('an agent lives and would put everything back: end it first, or use -force', living)
    return 1
  }
  const found = await findRemains(exec, place)
  if (dryRun) {
    say('would be removed:', found.things)
    say('agents that live:', living)
    return 0
  }
  await new Ownership(place.linkName).exclusively(() => removeRemains(exec, place, found))
  const left = await findRemains(exec, place, found.addresses)
  say('found:', found.things)
  say('still there:', left.things)
  say('agents that live, and put back what they miss:', living)
  if (left.things.length === 0) say('nothing of an agent is left in this network')
  return left.things.length === 0 ? 0 : 1
}

function describeAgent({ id, link, addresses, status }: LivingAgent): string {
  return `agent ${id}, process ${status?.pid ?? 'unknown'}, ${addresses.join(' ')} on ${link}`
}

/** A line, and below it each thing once, with how often it is there. Nothing when a list is empty. */
function say(headline: string, things?: readonly string[]): void {
  if (things?.length === 0) return
  const counts = new Map<string, number>()
  for (const each of things ?? []) counts.set(each, (counts.get(each) ?? 0) + 1)
  const lines = [...counts].map(([each, count]) => `  ${each}${count > 1 ? ` (${count} times)` : ''}\n`)
  process.stdout.write(`${headline}\n${lines.join('')}`)
}
