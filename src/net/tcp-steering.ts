/**
 * Leads new connections of a port that several listening sockets share (SO_REUSEPORT) to another one of them. A listening socket that is
 * closed resets what has connected and was not accepted yet; one that gets no more connections loses none.
 */
import { once } from 'node:events'
import { connect, type Server } from 'node:net'
import { chooseLibc, type Libc } from './libc.ts'
import { handleOfServer } from './shared-sockets.ts'

const SOL_SOCKET = 1
const SO_ATTACH_REUSEPORT_CBPF = 51
const SO_DETACH_REUSEPORT_BPF = 68
/** The instruction of a classic BPF program that ends it with a constant: here the number of a socket in the group. */
const BPF_RET_K = 6

/** Milliseconds that a connection to the own port may take. */
const PROBE_TIMEOUT = 200

/**
 * Has the kernel give new connections to another socket of the port. Which number a socket has in the group can't be asked; one of the first
 * two is another's, and a connection of its own shows which.
 * @returns whether there is another socket that gets them now
 */
export async function steerAway(server: Server): Promise<boolean> {
  const libc = chooseLibc()
  if (!libc) return false
  const { fd } = handleOfServer(server)
  for (const index of [1, 0]) {
    if (attach(libc, fd, index) && !(await reaches(server))) return true
  }
  detach(libc, fd)
  return false
}

/** Undoes what a socket has done that left the port before, so that all sockets of the port get connections again. */
export function shareEvenly(server: Server): void {
  const libc = chooseLibc()
  if (libc) detach(libc, handleOfServer(server).fd)
}

function attach(libc: Libc, fd: number, index: number): boolean {
  const filter = Uint32Array.of(BPF_RET_K, index)
  const address = BigInt(libc.addressOf(filter.buffer))
  const program = new BigUint64Array([1n, address])
  return libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, new Int32Array(program.buffer), 16) === 0
}

function detach(libc: Libc, fd: number): void {
  libc.setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, Int32Array.of(0), 4)
}

/** Whether a new connection to the port comes to this server; yes when there is none at all. */
async function reaches(server: Server): Promise<boolean> {
  const { address, port } = server.address() as { address: string; port: number }
  const probe = connect({ host: toReachable(address), port, timeout: PROBE_TIMEOUT })
  let mine = false
  const look = ({ remotePort }: { remotePort?: number | undefined }) => {
    if (remotePort === probe.localPort) mine = true
  }
  server.on('connection', look)
  probe.once('timeout', () => probe.destroy(new Error('timeout')))
  try {
    await once(probe, 'connect')
    for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve))
    return mine
  } catch {
    return true
  } finally {
    server.off('connection', look)
    probe.on('error', () => {}).destroy()
  }
}

function toReachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  return address === '::' ? '::1' : address
}
