import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { type Exec, NOT_FOUND, type Start } from './exec.ts'
import { familyOf, type RuleOptions } from './rules.ts'

/** Milliseconds that `nft` may take to do what it is told. */
const TIMEOUT = 5000

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
  #addresses = ''

  constructor(start: Start, options: RuleOptions) {
    this.#start = start
    this.#options = options
  }

  /**
   * Makes rules be there for `addresses` and no others.
   * @returns whether they were not
   * @throws (rejects) when `nft` refuses
   */
  async ensure(addresses: readonly string[]): Promise<boolean> {
    if (this.#keeper?.alive && addresses.join() === this.#addresses) return false
    if (!this.#keeper?.alive) this.#keeper = new Keeper(this.#start)
    try {
      await this.#keeper.tell(this.#commands(addresses))
    } catch (error) {
      await this.remove()
      throw error
    }
    this.#addresses = addresses.join()
    return true
  }

  /** Removes the rules. */
  async remove(): Promise<void> {
    await this.#keeper?.end()
    this.#keeper = undefined
    this.#addresses = ''
  }

  /** One line is one transaction: the table is made anew, and at no moment are there no rules. */
  #commands(addresses: readonly string[]): string {
    const table = `inet ${this.name}`
    const owned = `add table ${table} { flags owner; }`
    const chain = (hook: string) =>
      `add chain ${table} ${hook} { type filter hook ${hook} priority -300; policy accept; }`
    const rules = (['ipv4', 'ipv6'] as const).flatMap((family) => {
      const set = addresses.filter((each) => familyOf(each) === family).join(', ')
      return set === '' ? [] : this.#rules(family === 'ipv4' ? 'ip' : 'ip6', `{ ${set} }`)
    })
    const added = rules.map(([hook, match]) => `add rule ${table} ${hook} ${match} notrack`)
    return [owned, `delete table ${table}`, owned, chain('prerouting'), chain('output'), ...added].join('; ')
  }

  /**
   * Half-open TCP connections are no sockets to `socket wildcard`, so TCP is matched by `socket transparent`, which is 0 for each socket that
   * is not transparent.
   */
  #rules(family: string, set: string): [hook: 'prerouting' | 'output', match: string][] {
    const { dnsPort, healthPort, hostTraffic, socketMatch } = this.#options
    const udpSocket = socketMatch ? ' socket wildcard 0' : ''
    const tcpSocket = socketMatch ? ' socket transparent 0' : ''
    const host: [hook: 'output', match: string][] = [
      ['output', `${family} daddr ${set} udp dport ${dnsPort}`],
      ['output', `${family} daddr ${set} tcp dport { ${dnsPort}, ${healthPort} }`],
      ['output', `${family} saddr ${set} tcp sport ${healthPort}`],
    ]
    return [
      ['prerouting', `${family} daddr ${set} udp dport ${dnsPort}${udpSocket}`],
      ['prerouting', `${family} daddr ${set} tcp dport ${dnsPort}${tcpSocket}`],
      ['output', `${family} saddr ${set} udp sport ${dnsPort}`],
      ['output', `${family} saddr ${set} tcp sport ${dnsPort}`],
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
  const owner = await attempt('udp dport 53 notrack')
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
