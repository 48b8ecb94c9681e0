import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'

/**
 * Whether the node has an address: a socket can be bound to it. A system that lets processes bind to any (`ip_nonlocal_bind`) says yes always;
 * queries to the address tell then.
 */
export function hasAddress(address: string): Promise<boolean> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  return new Promise((resolve) => {
    const settle = (bound: boolean) => {
      socket.close()
      resolve(bound)
    }
    socket.once('error', () => settle(false))
    socket.bind({ address, port: 0, exclusive: true }, () => settle(true))
  })
}
