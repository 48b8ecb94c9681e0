/** Sockets that outlive the process that opened them: someone else keeps them open and gives them to whoever comes next. */
import { createSocket, type Socket } from 'node:dgram'
import type { Server } from 'node:net'

/** A bound socket in the form in which Node hands it from process to process. Nothing reads from it until something is opened on it. */
export interface SocketHandle {
  readonly fd: number
  /** Closes the socket for this process. */
  close(): void
}

/** Whoever keeps sockets, by name. */
export interface SharedSockets {
  /** The sockets are given up for good: this process and all others that use them end. */
  readonly ending: boolean
  /**
   * The socket of that name; undefined when there is none. Then the caller opens it and says so with {@link keep}, or with {@link forgo}
   * when it can't; whoever asks for the name meanwhile waits.
   */
  take(name: string): Promise<SocketHandle | undefined>
  /** Gives a copy of a socket that was opened. */
  keep(name: string, handle: SocketHandle): void
  /** The socket was not opened. */
  forgo(name: string): void
  /** The caller uses the socket no more. */
  release(name: string): void
}

/** Opens something on the socket that is kept under `name`, or on a new one, which is kept from then on. @throws (rejects) what `open` does */
export async function openShared<S extends { readonly handle: SocketHandle }>(
  shared: SharedSockets | undefined,
  name: string,
  open: (handle: SocketHandle | undefined) => Promise<S>,
): Promise<S> {
  if (!shared) return open(undefined)
  const kept = await shared.take(name)
  try {
    const opened = await open(kept)
    if (!kept) shared.keep(name, opened.handle)
    return opened
  } catch (error) {
    kept?.close()
    if (kept) shared.release(name)
    else shared.forgo(name)
    throw error
  }
}

// Node passes its inner handles between processes, but has no public way to get at them.

/** The handle below a server that listens. */
export function handleOfServer(server: Server): SocketHandle {
  return (server as Server & { _handle: SocketHandle })._handle
}

/** The handle below a socket of dgram. */
export function handleOfDgram(socket: Socket): SocketHandle & { open(fd: number): number } {
  const { noDeprecation } = process
  process.noDeprecation = true
  try {
    return (socket as unknown as { _handle: SocketHandle & { open(fd: number): number } })._handle
  } finally {
    if (noDeprecation === undefined) delete process.noDeprecation
    else process.noDeprecation = noDeprecation
  }
}

/** The address that a handle is bound to. */
export function addressOfHandle(handle: SocketHandle): string {
  const name = { address: '' }
  ;(handle as SocketHandle & { getsockname(out: object): number }).getsockname(name)
  return name.address
}

/** A handle that owns a UDP socket made otherwise. @param v6 whether it is one of IPv6 @throws Error when it is none */
export function wrapDatagramSocket(fd: number, v6: boolean): SocketHandle {
  const handle = handleOfDgram(createSocket(v6 ? 'udp6' : 'udp4'))
  const status = handle.open(fd)
  if (status < 0) throw new Error(`descriptor ${fd} can't be taken: error ${status}`)
  return handle
}
