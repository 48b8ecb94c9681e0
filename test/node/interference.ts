/** What others do to link and rules. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { LEADING } from './agent.ts'
import { apartFromProxy, type Incident, until } from './incident.ts'
import { assertClean, listRules } from './remains.ts'
import type { Rig } from './rig.ts'

const LINK = 'nodelocaldns'

export const addressRemoved: Incident = {
  name: 'address-removed',
  event: 'the address is removed; it is back within a second',
  times: { long: 5, short: 1 },
  allowed: () => ({ pod: 10, node: 10 }),
  async happen(rig, agent) {
    for (const address of rig.services) {
      rig.node.run('ip', 'address', 'del', `${address}/${address.includes(':') ? 128 : 32}`, 'dev', LINK)
    }
    await until(rig, 'the addresses are back', 1000, () => {
      const shown = rig.node.run('ip', '-brief', 'address', 'show', 'dev', LINK)
      return rig.services.every((each) => shown.includes(` ${each}/`))
    })
    return agent
  },
}

export const linkRemoved: Incident = {
  name: 'link-removed',
  event: 'the link is removed; it is back within a second',
  times: { long: 5, short: 1 },
  for: apartFromProxy,
  allowed: addressRemoved.allowed,
  async happen(rig, agent) {
    rig.node.run('ip', 'link', 'del', LINK)
    await until(rig, 'the link is back', 1000, async () => {
      const { stdout } = await rig.node.exec('ip', ['-brief', 'address', 'show', 'dev', LINK])
      return rig.services.every((each) => stdout.includes(` ${each}/`))
    })
    return agent
  },
}

export const flushed: Incident = {
  name: 'flushed',
  event: 'iptables -t raw -F, iptables -t filter -F and nft flush ruleset; the rules are back within two seconds',
  times: { long: 5, short: 1 },
  for: apartFromProxy,
  allowed: ({ interception }) => (interception === 'nftables' ? { pod: 0, node: 0 } : { pod: 20, node: 20 }),
  async happen(rig, agent) {
    const before = countRules(rig)
    const flavour = rig.setup.interception === 'iptables-legacy' ? 'legacy' : 'nft'
    for (const command of ['iptables', 'ip6tables']) {
      for (const table of ['raw', 'filter']) rig.node.run(`${command}-${flavour}`, '-t', table, '-F')
    }
    await until(rig, 'the rules are back', 2000, () => countRules(rig) === before)
    if (flavour === 'nft') {
      rig.node.run('nft', 'flush', 'ruleset')
      await until(rig, 'the rules are back after the second time', 2000, () => countRules(rig) === before)
      rig.startProxy()
    }
    return agent
  },
}

export const inFront: Incident = {
  name: 'in-front',
  event: 'a firewall puts a rule in front that drops the queries; ours are in front again within two seconds',
  // an agent moves its rules five times within minutes, and then no more: each time is two, one for each family
  times: { long: 2, short: 1 },
  for: apartFromProxy,
  allowed: () => ({ pod: 2040, node: 2040 }),
  async happen(rig, agent) {
    const flavour = rig.setup.interception === 'iptables-legacy' ? 'legacy' : 'nft'
    const commands = rig.setup.families.map((family) => `${family === 'ipv6' ? 'ip6' : 'ip'}tables-${flavour}`)
    const rule = ['-p', 'udp', '--dport', '53', '-j', 'DROP']
    for (const command of commands) rig.node.run(command, '-I', 'INPUT', ...rule)
    await until(rig, 'our rules are in front again', 2000, () =>
      commands.every((command) => {
        const [, first = ''] = rig.node.run(command, '-S', 'INPUT').split('\n')
        return first.includes('NodeLocal DNS Cache')
      }),
    )
    for (const command of commands) rig.node.run(command, '-D', 'INPUT', ...rule)
    return agent
  },
}

export const locked: Incident = {
  name: 'locked',
  event: "others hold iptables' lock, at the end of an agent and at the start of the next one (30 s each in long)",
  times: { long: 1, short: 1 },
  for: ({ interception }) => interception === 'iptables-legacy',
  allowed: () => ({ pod: 2, node: 2 }),
  async happen(rig, agent) {
    const time = rig.form === 'long' ? 30_000 : 4000
    const ending = await holdLock(rig)
    const ended = agent.stop()
    await sleep(Math.min(time, 15_000))
    ending.release()
    await ended
    assertClean(rig)
    const starting = await holdLock(rig)
    const next = rig.launch()
    await sleep(time)
    if (LEADING.test(next.output)) throw new Error('nothing held the agent up')
    starting.release()
    const released = performance.now()
    await next.printed(LEADING)
    const late = performance.now() - released
    if (late > (rig.form === 'long' ? 1500 : 7500))
      throw new Error(`rules came ${Math.round(late)} ms after the lock was free`)
    return next
  },
}

export const leftovers: Incident = {
  name: 'leftovers',
  event: 'start on what a killed node-cache has left: rules with and without comments, 3,000 of them doubles',
  times: { long: 2, short: 1 },
  for: apartFromProxy,
  allowed: ({ interception }) =>
    interception === 'nftables' ? { pod: 1, node: undefined } : { pod: 2, node: undefined },
  async happen(rig, agent) {
    const before = listRules(rig.node).length
    await agent.stop()
    const flavour = rig.setup.interception === 'iptables-legacy' ? 'legacy' : 'nft'
    for (const address of rig.localIps) {
      const [family, prefix] = address.includes(':') ? ['ip6', 128] : ['ip', 32]
      const rule = (comment: string) =>
        `-A OUTPUT -s ${address}/${prefix} -p udp -m udp --sport 53 ${comment && `-m comment --comment "${comment}" `}-j NOTRACK\n`
      const lines = rule('').repeat(5) + rule('NodeLocal DNS Cache: skip conntrack').repeat(3000)
      rig.node.feed(`*raw\n${lines}COMMIT\n`, `${family}tables-${flavour}-restore`, '--noflush')
    }
    const begun = performance.now()
    const next = await rig.agent()
    const took = performance.now() - begun
    if (took > (rig.form === 'long' ? 5000 : 25_000)) throw new Error(`the start took ${Math.round(took)} ms`)
    const after = listRules(rig.node).length
    if (after !== before) throw new Error(`${after} rules, not ${before}`)
    return next
  },
}

/** Rules of iptables that are there for the cache. */
function countRules({ node }: Rig): number {
  return listRules(node).filter((rule) => rule.includes('NodeLocal DNS Cache')).length
}

async function holdLock({ node }: Rig): Promise<{ release(): void }> {
  const [command, ...args] = node.inside('flock', '/run/xtables.lock', 'sh', '-c', 'echo held; exec sleep 60')
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  await once(child.stdout, 'data')
  return { release: () => void process.kill(-child.pid!, 'SIGKILL') }
}
