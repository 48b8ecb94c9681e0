import type { Socket } from 'node:net'
import type { Ends } from './connection.ts'
import { MAX_HEADER, type ProxyPolicy, readProxyHeader } from './proxy-header.ts'

/**
 * Takes the header of the PROXY protocol off the front of a connection; what stands behind it is left to be read.
 * @param done called with what the header says, undefined without one; or with why the connection is refused
 */
export function takeProxyHeader(
  socket: Socket,
  policy: ProxyPolicy,
  done: (result: Ends | undefined | string) => void,
): void {
  let received: Buffer = Buffer.alloc(0)
  const finish = (rest: Buffer, result: Ends | undefined | string) => {
    socket.off('readable', read)
    if (rest.length > 0) socket.unshift(rest)
    done(result)
  }
  const read = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) received = Buffer.concat([received, chunk])
    if (received.length === 0) return
    const header = readProxyHeader(received)
    if (header === 'none') finish(received, undefined)
    else if (header === 'more' && received.length < MAX_HEADER) return
    else if (typeof header === 'string') finish(received, 'the header is malformed')
    else if (policy === 'reject') finish(received, 'headers are rejected')
    else finish(received.subarray(header.length), policy === 'use' ? header.ends : undefined)
  }
  socket.on('readable', read)
}
