/**
 * UDP sockets for a server. Two back ends: Node's dgram, a system call for each datagram; and libc through koffi, which takes and sends many
 * at a time and knows the address that each was sent to. The environment variable CORELET_NET=dgram chooses dgram where libc is there.
 */
import { bindAddresses, isWithoutIPv6 } from './bind.ts'
import { chooseLibc } from './libc.ts'
import { addressOfHandle } from './shared-sockets.ts'
import { bindDgram } from './udp-dgram.ts'
import { bindLibc } from './udp-libc.ts'
import type { UdpOptions, UdpSocket } from './udp-socket.ts'

/** The back end that sockets opened now have. */
export function udpBackend(): 'libc' | 'dgram' {
  return chooseLibc() ? 'libc' : 'dgram'
}

/** Opens a UDP socket. @throws (rejects) the system's error when it can't be bound */
export async function openUdp(options: UdpOptions): Promise<UdpSocket> {
  const libc = chooseLibc()
  const addresses = options.handle ? [addressOfHandle(options.handle)] : bindAddresses(options.address)
  for (const address of addresses) {
    try {
      return libc ? bindLibc(libc, options, address) : await bindDgram(options, address)
    } catch (error) {
      if (address === addresses.at(-1) || !isWithoutIPv6(error)) throw error
    }
  }
  throw new Error('unreachable')
}
