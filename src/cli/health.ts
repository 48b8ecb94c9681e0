import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { ProbeQuestion, probeTcp, STRANGER } from '../agent/probe.ts'
import { parseDuration } from '../plugin/duration.ts'
import { UsageError } from './go-flags.ts'
import { defineSubcommand, HELP } from './subcommand.ts'

const USAGE = `Usage: corelet health [ADDRESS] [--dns-port N] [--timeout DURATION] [--tcp] [--pidfile FILE]

Sends a message that a server answers by itself, whatever its Corefile says, over UDP to ADDRESS (127.0.0.1).
With --tcp it has to answer over TCP, too; with --pidfile the process that wrote FILE has to live, as several may answer at one address.
Exit status: 0 it answers, 1 it does not within the timeout (2s), 2 wrong use.
`

/** Octets of a header, which is all that is sent (RFC 1035 §4.1.1). */
const HEADER = 12
/** QR is not set and the opcode is STATUS, which nobody implements: no plugin, cache or upstream sees it. */
const STATUS_QUERY = 2 << 11
const QR = 0x8000

interface Request {
  address: string
  dnsPort: number
  /** Milliseconds. */
  timeout: number
  /** Over TCP, too. */
  tcp: boolean
  /** What a server was given as `-pidfile`; empty for none. */
  pidfile: string
}

/** `corelet health`: asks a server whether it serves at all; what a container's health check runs. */
export const health = defineSubcommand<Request>({
  usage: USAGE,
  read(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'dns-port': { type: 'string', default: '53' },
        timeout: { type: 'string', default: '2s' },
        tcp: { type: 'boolean', default: false },
        pidfile: { type: 'string', default: '' },
        ...HELP,
      },
    })
    const [address = '127.0.0.1', ...more] = positionals
    const dnsPort = Number(values['dns-port'])
    const timeout = parseDuration(values.timeout)
    if (more.length > 0 || isIP(address) === 0) throw new UsageError('one ADDRESS is needed')
    if (!Number.isInteger(dnsPort) || dnsPort < 1 || dnsPort > 0xffff)
      throw new UsageError(`invalid port: ${values['dns-port']}`)
    if (typeof timeout === 'string' || timeout <= 0) throw new UsageError(`invalid timeout: ${values.timeout}`)
    return values.help ? undefined : { address, dnsPort, timeout, tcp: values.tcp, pidfile: values.pidfile }
  },
  async work(request) {
    const { pidfile, tcp } = request
    const reason = findProcess(pidfile) ?? (await ask(request)) ?? (tcp ? await askOverTcp(request) : undefined)
    if (reason === undefined) return 0
    process.stderr.write(`${reason}\n`)
    return 1
  },
})

/** Why no living process has written the file; undefined when one has. */
function findProcess(pidfile: string): string | undefined {
  if (pidfile === '') return undefined
  try {
    const pid = Number(readFileSync(pidfile, 'utf8'))
    // 0 would be this process itself, with its group
    if (!(pid > 0)) return `no server has written ${pidfile}: it is empty`
    process.kill(pid, 0)
    return undefined
  } catch (error) {
    return `no server has written ${pidfile}: ${(error as Error).message}`
  }
}

/** Why there is no answer; undefined when there is one. */
function ask({ address, dnsPort, timeout }: Request): Promise<string | undefined> {
  const id = randomInt(0x10000)
  const packet = Buffer.alloc(HEADER)
  packet.writeUInt16BE(id, 0)
  packet.writeUInt16BE(STATUS_QUERY, 2)
  const where = isIP(address) === 6 ? `[${address}]:${dnsPort}` : `${address}:${dnsPort}`
  return new Promise((resolve) => {
    const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4')
    const finish = (reason?: string) => {
      clearTimeout(timer)
      socket.close()
      resolve(reason)
    }
    const timer = setTimeout(() => finish(`no answer from ${where}`), timeout)
    socket.once('error', ({ message }) => finish(`no answer from ${where}: ${message}`))
    socket.on('message', (answer) => {
      if (answer.length < HEADER || answer.readUInt16BE(0) !== id || (answer.readUInt16BE(2) & QR) === 0) return
      finish()
    })
    // connected, so that only this server is heard, and a closed port is an error
    socket.connect(dnsPort, address, () => socket.send(packet))
  })
}

/** The same over TCP: whatever comes back there is the server's. */
async function askOverTcp({ address, dnsPort, timeout }: Request): Promise<string | undefined> {
  const problem = await probeTcp(new ProbeQuestion(), address, dnsPort, timeout)
  return problem === undefined || problem === STRANGER ? undefined : `no answer from ${address} over TCP: ${problem}`
}
