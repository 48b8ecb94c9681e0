import { connect as connectClear, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, connect, type SecureContext } from 'node:tls'
import { isPath, type Target } from './target.ts'

export interface DialerOptions {
  target: Target
  /** Speaks TLS with these certificates; in clear text when left out. */
  secure: SecureContext | undefined
  sourceAddress: string | undefined
  /** What is offered by ALPN. */
  protocol: 'dot' | 'h2'
}

/** Connects to one upstream, over and over; sessions of TLS are resumed. */
export class Dialer {
  /** Event of the sockets that says that they can be used. */
  readonly ready: 'connect' | 'secureConnect'
  readonly #options: DialerOptions
  #session: Buffer | undefined

  constructor(options: DialerOptions) {
    this.#options = options
    this.ready = options.secure ? 'secureConnect' : 'connect'
  }

  /** Begins to connect. With TLS the certificate must be for the server name, or for the address when there is none. */
  dial(): Socket {
    const { target, secure, sourceAddress } = this.#options
    const { address, port } = target
    const end = isPath(address) ? { path: address } : { host: address, port, localAddress: sourceAddress }
    return secure ? this.#dialSecure(end, secure) : connectClear({ ...end, noDelay: true })
  }

  /** Forgets the session; the next connection shakes hands anew. */
  forget(): void {
    this.#session = undefined
  }

  #dialSecure(end: ConnectionOptions, secure: SecureContext): Socket {
    const { target, protocol } = this.#options
    const name = target.serverName ?? target.address
    const socket = connect({
      ...end,
      secureContext: secure,
      ALPNProtocols: [protocol],
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      ...(isIP(name) === 0 && !isPath(name) && { servername: name }),
      ...(this.#session && { session: this.#session }),
    })
    socket.setNoDelay(true)
    socket.on('session', (session) => {
      this.#session = session
    })
    return socket
  }
}
