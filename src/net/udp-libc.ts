/** Opens UDP sockets on libc. */
import type { BindOptions } from './bind.ts'
import { type Libc, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, toSystemError } from './libc.ts'
import { LibcSocket } from './libc-socket.ts'
import { type SocketHandle, wrapDatagramSocket } from './shared-sockets.ts'
import {
  AF_INET6,
  addressAt,
  INET6_SIZE,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  portAt,
  toSocketAddress,
} from './socket-address.ts'
import { RECEIVE_BUFFER, type UdpOptions, type UdpSocket } from './udp-socket.ts'

const SOL_SOCKET = 1
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_REUSEPORT = 15
const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33
const IPV6_V6ONLY = 26
const IPV6_RECVPKTINFO = 49

/** Binds a socket to one of the addresses to try. @throws the system's error */
export function bindLibc(libc: Libc, options: UdpOptions, address: string): UdpSocket {
  const handle = options.handle ?? create(libc, options, address)
  const { fd } = handle
  const set = (level: number, name: number, value: number) =>
    libc.setsockopt(fd, level, name, Int32Array.of(value), 4) === 0
  try {
    for (const [force, plain] of [
      [SO_RCVBUFFORCE, SO_RCVBUF],
      [SO_SNDBUFFORCE, SO_SNDBUF],
    ] as const) {
      if (!set(SOL_SOCKET, force, RECEIVE_BUFFER)) set(SOL_SOCKET, plain, RECEIVE_BUFFER)
    }
    const words = new Uint32Array(INET6_SIZE / 4)
    if (libc.getsockname(fd, new Uint8Array(words.buffer), Int32Array.of(INET6_SIZE)) < 0) {
      throw toSystemError(libc, 'getsockname')
    }
    const v6 = (words[0]! & 0xffff) === AF_INET6
    const local = { address: addressAt(libc, words, 0), port: portAt(words, 0) }
    const everywhere = local.address === '::' || local.address === '0.0.0.0'
    if (everywhere && !(v6 ? set(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set(IPPROTO_IP, IP_PKTINFO, 1))) {
      throw toSystemError(libc, 'setsockopt')
    }
    return new LibcSocket(libc, handle, local, everywhere, options)
  } catch (error) {
    handle.close()
    throw error
  }
}

function create(libc: Libc, options: BindOptions, address: string): SocketHandle {
  const target = toSocketAddress(libc, address, options.port)
  const fd = libc.socket(target[0]!, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) throw toSystemError(libc, 'socket')
  const set = (level: number, name: number, value: number) => {
    if (libc.setsockopt(fd, level, name, Int32Array.of(value), 4) < 0) throw toSystemError(libc, 'setsockopt')
  }
  try {
    if (options.reusePort) set(SOL_SOCKET, SO_REUSEPORT, 1)
    if (target[0] === AF_INET6) set(IPPROTO_IPV6, IPV6_V6ONLY, options.address === '' ? 0 : 1)
    if (libc.bind(fd, target, target.length) < 0) throw toSystemError(libc, 'bind', `${address}:${options.port}`)
    return wrapDatagramSocket(fd, target[0] === AF_INET6)
  } catch (error) {
    libc.close(fd)
    throw error
  }
}
