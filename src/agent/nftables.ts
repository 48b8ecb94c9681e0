import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { type Exec, NOT_FOUND, type Start } from './exec.ts'
import { type Family, familyOf, PROBE_SOURCES, type RuleOptions } from './rules.ts'

/** Milliseconds that `nft` may take to do what it is told. */
const TIMEOUT = 5000

/** Names of the sets of clients with a TCP connection to us. */
const CLIENTS: Record<Family, string> = { ipv4: 'clients4', ipv6: 'clients6' }
/** Further ones take the way through kube-proxy. */
const MAX_CLIENTS = 65_536
/** Seconds without a packet after which a client is forgotten: the server closes idle connections much sooner. */
const CLIENT_TIMEOUT = 120
/** Seconds after the end of its connection. */
const ENDED_TIMEOUT = 10
/** The first packet of a connection; a packet that ends one. */
const FIRST = 'tcp flags & (syn|ack) == syn'
const LAST = 'tcp flags & (fin|rst) != 0'

/** All tables of corelet begin with this. */
const PREFIX = 'corelet-'

/**
 * The rules that keep queries from connection tracking, in an nftables table that belongs to a process: an `nft` that takes commands from
 * us. Nobody else can change or flush such a table, and the kernel removes it with its process, which ends when its input does. Whatever
 * becomes of the agent, no rule outlives it.
 */
export class OwnedTable {
  /** A name of its own for each agent: several on a node don't meet. */
  readonly name = `${PREFIX}${randomBytes(4).toString('hex')}`
  readonly #start: Start
  readonly #options: RuleOptions
  #keeper: Keeper | undefined
  /** What it was told last. */
  #told = ''

  constructor(start: Start, options: RuleOptions) {
    this.#start = start
    this.#options = options
  }

  /**
   * Makes the rules be there for addresses of ours, those of them that new queries are led to, and no others.
   * @returns whether they were not
   * @throws (rejects) when `nft` refuses
   */
  async ensure(own: readonly string[], led: readonly string[]): Promise<boolean> {
    const commands = this.#commands(own, led)
    if (this.#keeper?.alive && commands === this.#told) return false
    if (!this.#keeper?.alive) this.#keeper = new Keeper(this.#start)
    try {
      await this.#keeper.tell(commands)
    } catch (error) {
      await this.remove()
      throw error
    }
    this.#told = commands
    return true
  }

  /** Removes the rules. */
  async remove(): Promise<void> {
    await this.#keeper?.end()
    this.#keeper = undefined
    this.#told = ''
  }

  /** One line is one transaction: at no moment are there no rules. */
  #commands(own: readonly string[], led: readonly string[]): string {
    const table = `inet ${this.name}`
    const chain = (hook: string) =>
      `add chain ${table} ${hook} { type filter hook ${hook} priority -300; policy accept; }; flush chain ${table} ${hook}`
    const families = (['ipv4', 'ipv6'] as const).filter((family) => own.some((each) => familyOf(each) === family))
    const sets = families.map(
      (family) =>
        `add set ${table} ${CLIENTS[family]} { type ${family}_addr . inet_service; flags dynamic,timeout; timeout ${CLIENT_TIMEOUT}s; size ${MAX_CLIENTS}; }`,
    )
    const rules = families.flatMap((family) => this.#rules(family, own, led))
    const added = rules.map(([hook, rule]) => `add rule ${table} ${hook} ${rule}`)
    return [`add table ${table} { flags owner; }`, chain('prerouting'), chain('output'), ...sets, ...added].join('; ')
  }

  /**
   * Packets are led here only while the address is on the node. A TCP connection stays where it has begun, whatever becomes of the rules for
   * new ones: its client is remembered. Half-open connections are no sockets to `socket wildcard`, so TCP is matched by `socket transparent`,
   * which is 0 for each socket that is not transparent.
   */
  #rules(
    family: Family,
    own: readonly string[],
    led: readonly string[],
  ): [hook: 'prerouting' | 'output', rule: string][] {
    const { dnsPort, healthPort, hostTraffic, socketMatch } = this.#options
    const ip = family === 'ipv4' ? 'ip' : 'ip6'
    const listed = (addresses: readonly string[]) => {
      const some = addresses.filter((each) => familyOf(each) === family)
      return some.length === 0 ? undefined : `{ ${some.join(', ')} }`
    }
    const set = listed(own)!
    const leading = listed(led)
    const client = `${ip} saddr . tcp sport`
    const clients = CLIENTS[family]
    const dns = (hook: 'prerouting' | 'output', udpSocket: string, tcpSocket: string) => {
      const rules = [
        `${ip} daddr ${set} tcp dport ${dnsPort} ${FIRST} delete @${clients} { ${client} }`,
        `${ip} daddr ${set} tcp dport ${dnsPort} ${LAST} ${client} @${clients} update @${clients} { ${client} timeout ${ENDED_TIMEOUT}s } notrack`,
        `${ip} daddr ${set} tcp dport ${dnsPort} ${client} @${clients} update @${clients} { ${client} } notrack`,
        ...(leading === undefined
          ? []
          : [
              `${ip} daddr ${leading} udp dport ${dnsPort} fib daddr type local${udpSocket} notrack`,
              `${ip} daddr ${leading} tcp dport ${dnsPort} ${FIRST} fib daddr type local${tcpSocket} update @${clients} { ${client} } notrack`,
            ]),
      ]
      return rules.map((rule): [typeof hook, string] => [hook, rule])
    }
    const host: [hook: 'output', rule: string][] = [
      ...(dns('output', '', '') as [hook: 'output', rule: string][]),
      ['output', `${ip} daddr ${set} tcp dport ${healthPort} notrack`],
      ['output', `${ip} saddr ${set} tcp sport ${healthPort} notrack`],
    ]
    return [
      [
        'output',
        `${ip} saddr ${PROBE_SOURCES[family]} ${ip} daddr ${set} meta l4proto { tcp, udp } th dport ${dnsPort} notrack`,
      ],
      ['output', `${ip} saddr ${set} meta l4proto { tcp, udp } th sport ${dnsPort} notrack`],
      ...dns('prerouting', socketMatch ? ' socket wildcard 0' : '', socketMatch ? ' socket transparent 0' : ''),
      ...(hostTraffic ? host : []),
    ]
  }
}

/** Whether this machine has `nft` and a kernel where tables have owners (Linux 5.12), and whether that kernel looks for sockets. */
export async function findNftables(exec: Exec): Promise<{ owner: boolean; socketMatch: boolean }> {
  const attempt = async (rule: string) => {
    const table = `inet ${PREFIX}check-${randomBytes(4).toString('hex')}`
    const chain = `add chain ${table} prerouting { type filter hook prerouting priority -300; }`
    const commands = [`add table ${table} { flags owner; }`, chain, `add rule ${table} prerouting ${rule}`]
    return (await exec('nft', ['-f', '-'], `${commands.join('; ')}\n`)).code === 0
  }
  const owner = await attempt('udp dport 53 fib daddr type local notrack')
  return { owner, socketMatch: owner && (await attempt('udp dport 53 socket wildcard 0 socket transparent 0 notrack')) }
}

/** The tables of all agents on this node; none on a machine without `nft`. @throws (rejects) Error when they can't be read */
export async function listTables(exec: Exec): Promise<string[]> {
  const { code, stdout, stderr } = await exec('nft', ['list', 'tables'])
  if (code !== 0 && code !== NOT_FOUND) throw new Error(`nft: ${stderr.trim().split('\n', 1)[0]}`)
  return [...stdout.matchAll(/^table inet (\S+)$/gm)].map(([, name]) => name!).filter((name) => name.startsWith(PREFIX))
}

/** An `nft` that reads commands, and that the tables it makes belong to. */
class Keeper {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ended: Promise<void>
  #output = ''
  #errors = ''
  #wake: (() => void) | undefined

  constructor(start: Start) {
    this.#child = start('nft', ['-i'])
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', () => {
        this.#wake?.()
        resolve()
      })
    })
    this.#child.once('error', (error) => {
      this.#errors += error.message
    })
    this.#child.stdin.on('error', () => {})
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
      this.#wake?.()
    })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
      this.#wake?.()
    })
  }

  get alive(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Has commands done, on one line. Something is listed behind them: its line tells that they were read. @throws (rejects) */
  async tell(commands: string): Promise<void> {
    this.#output = ''
    this.#errors = ''
    this.#child.stdin.write(`${commands}\nlist tables inet\n`)
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), TIMEOUT)
    while (this.alive && this.#errors === '' && !this.#output.includes('\n')) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    clearTimeout(timer)
    if (!this.alive) await this.#ended
    if (this.#errors !== '' || !this.alive) throw new Error(`nft: ${this.#errors.split('\n', 1)[0] || 'it ended'}`)
  }

  async end(): Promise<void> {
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), TIMEOUT)
    await this.#ended
    clearTimeout(timer)
  }
}
