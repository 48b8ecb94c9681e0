import { isIP } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, connect, type SecureContext, type TLSSocket } from 'node:tls'
import type { Target } from './target.ts'

export interface SecureSocketOptions {
  target: Target
  secure: SecureContext
  sourceAddress: string | undefined
  /** What is offered by ALPN. */
  protocol: 'dot' | 'h2'
}

/** Connects to one upstream with TLS, over and over; sessions are resumed. */
export class SecureDialer {
  readonly #options: SecureSocketOptions
  #session: Buffer | undefined

  constructor(options: SecureSocketOptions) {
    this.#options = options
  }

  /** Begins to connect. The certificate must be for the server name, or for the address when there is none. */
  dial(): TLSSocket {
    const { target, secure, sourceAddress, protocol } = this.#options
    const name = target.serverName ?? target.address
    const options: ConnectionOptions & { localAddress: string | undefined } = {
      host: target.address,
      port: target.port,
      localAddress: sourceAddress,
      secureContext: secure,
      ALPNProtocols: [protocol],
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      ...(isIP(name) === 0 && { servername: name }),
      ...(this.#session && { session: this.#session }),
    }
    const socket = connect(options)
    socket.setNoDelay(true)
    socket.on('session', (session) => {
      this.#session = session
    })
    return socket
  }

  /** Forgets the session; the next connection shakes hands anew. */
  forget(): void {
    this.#session = undefined
  }
}
