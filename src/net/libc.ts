/**
 * The system calls that Node.js has no function for, through koffi: an optional package, loaded when the first socket opens. Only Linux on
 * 64-bit little-endian machines, whose structures `message-vector.ts` lays out.
 */
import { createRequire } from 'node:module'
import { getSystemErrorMap } from 'node:util'
import type Koffi from 'koffi'

/** Tells when a descriptor is readable or writable, from the event loop. */
export interface Poll {
  start(events: { readable: boolean; writable: boolean }, callback: (status: number) => void): void
  close(): void
}

/** Functions as in the manual pages of section 2 and 3; addresses of memory are numbers, failure is −1. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: Int32Array, length: number): number
  bind(fd: number, address: Uint8Array, length: number): number
  connect(fd: number, address: Uint8Array, length: number): number
  getsockname(fd: number, address: Uint8Array, length: Int32Array): number
  recvmmsg(fd: number, headers: number, count: number, flags: number, timeout: number): number
  sendmmsg(fd: number, headers: number, count: number, flags: number): number
  close(fd: number): number
  inet_pton(family: number, text: string, address: Uint8Array): number
  inet_ntop(family: number, address: Uint8Array, text: Uint8Array, size: number): string | null
  if_nametoindex(name: string): number
  if_indextoname(index: number, name: Uint8Array): string | null
  /** Error number of the last call that failed. */
  errno(): number
  /** Where the memory of a buffer lies; it stays there. */
  addressOf(buffer: ArrayBuffer): number
  /**
   * Watches a descriptor as long as the result is not closed. The callback runs outside of Node's own frame: neither promises nor ticks are
   * settled behind it, and it must not throw. Its status is negative when the socket has an error to tell; then the watch has ended.
   */
  poll(fd: number, callback: (status: number) => void): Poll
}

/** Numbers from Linux's headers, the same on x64 and arm64. */
export const EINTR = 4
const EBADF = 9
export const EAGAIN = 11
/** A call that would have to wait fails with EAGAIN. */
export const MSG_DONTWAIT = 0x40
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = 0o4000
export const SOCK_CLOEXEC = 0o2000000

const SYSTEMS = new Set(['x64', 'arm64'])

let loaded: { libc: Libc | undefined } | undefined

/** The library, undefined where there is none that this file knows. */
export function loadLibc(): Libc | undefined {
  loaded ??= { libc: load() }
  return loaded.libc
}

/** The library for sockets to use; with the environment variable CORELET_NET=dgram none. */
export function chooseLibc(): Libc | undefined {
  return process.env['CORELET_NET'] === 'dgram' ? undefined : loadLibc()
}

function load(): Libc | undefined {
  if (process.platform !== 'linux' || !SYSTEMS.has(process.arch)) return undefined
  try {
    const koffi: typeof Koffi = createRequire(import.meta.url)('koffi')
    const own = koffi.load(null)
    const libc: Libc = {
      socket: own.func('int socket(int, int, int)'),
      setsockopt: own.func('int setsockopt(int, int, int, void *, uint32_t)'),
      bind: own.func('int bind(int, void *, uint32_t)'),
      connect: own.func('int connect(int, void *, uint32_t)'),
      getsockname: own.func('int getsockname(int, void *, void *)'),
      recvmmsg: own.func('int recvmmsg(int, size_t, unsigned int, int, size_t)'),
      sendmmsg: own.func('int sendmmsg(int, size_t, unsigned int, int)'),
      close: own.func('int close(int)'),
      inet_pton: own.func('int inet_pton(int, str, void *)'),
      inet_ntop: own.func('str inet_ntop(int, void *, void *, uint32_t)'),
      if_nametoindex: own.func('unsigned int if_nametoindex(str)'),
      if_indextoname: own.func('str if_indextoname(unsigned int, void *)'),
      errno: () => koffi.errno(),
      addressOf: (buffer) => Number(koffi.address(buffer)),
      // callbacks get the status first, which the types leave out
      poll: koffi.node.poll as unknown as Libc['poll'],
    }
    return isAllowed(libc) && typeof koffi.node.poll === 'function' ? libc : undefined
  } catch {
    return undefined
  }
}

/** Whether the system has the calls and no filter (seccomp) forbids them: then all that they find wrong is the descriptor. */
function isAllowed(libc: Libc): boolean {
  if (libc.recvmmsg(-1, 0, 0, 0, 0) !== -1 || libc.errno() !== EBADF) return false
  return libc.sendmmsg(-1, 0, 0, 0) === -1 && libc.errno() === EBADF
}

/** The error of the call that failed last, as Node's own socket errors look. */
export function toSystemError(libc: Libc, syscall: string, detail = ''): NodeJS.ErrnoException {
  const errno = -libc.errno()
  const [code] = getSystemErrorMap().get(errno) ?? [`E${-errno}`]
  return Object.assign(new Error(`${syscall} ${code}${detail && ` ${detail}`}`), { errno, code, syscall })
}
