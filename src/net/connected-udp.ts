/**
 * UDP sockets for a client, connected to one peer: the kernel drops what others send to them. The two back ends are those of `udp.ts`.
 */
import { ConnectedDgram } from './connected-dgram.ts'
import { ConnectedLibc } from './connected-libc.ts'
import type { ConnectedUdp, ConnectedUdpOptions } from './connected-socket.ts'
import { chooseLibc } from './libc.ts'

/** Opens a socket on a port of the kernel's random choice. @throws the system's error, when there is no free file descriptor for example */
export function connectUdp(options: ConnectedUdpOptions): ConnectedUdp {
  const libc = chooseLibc()
  return libc ? new ConnectedLibc(libc, options) : new ConnectedDgram(options)
}
