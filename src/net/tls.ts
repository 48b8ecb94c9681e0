/** TLS on connections that somebody else has accepted. */
import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls'
import { trustedAuthorities } from './authorities.ts'

/**
 * Which certificates clients must show, as Go calls it: none; any or none; any; none or one that an authority signed; one that an
 * authority signed.
 */
export type ClientAuth = 'nocert' | 'request' | 'require' | 'verify_if_given' | 'require_and_verify'

/** How a server identifies itself, and what it asks of clients. PEM. */
export interface TlsIdentity {
  readonly cert: string
  readonly key: string
  /** Authorities for clients' certificates; those that the system trusts when left out. */
  readonly ca?: string | undefined
  readonly clientAuth: ClientAuth
  /** 48 octets that tickets are made with; sessions can be resumed as long as they stay the same. */
  readonly ticketKeys: Buffer
  /** Gets a line with the secrets of each connection, for a tool such as Wireshark. */
  readonly keylog?: ((line: Buffer) => void) | undefined
}

/** Where a server's identity is found; another one may stand there when the certificate was renewed. */
export interface TlsSource {
  readonly current: TlsIdentity | undefined
  /** Where certificates for other names are found. Clients that ask for such a name (SNI, RFC 6066 §3) are shown these; all else is as in `current`. */
  readonly others?: readonly TlsSource[]
}

/**
 * Shakes hands on connections. The identity may be another one each time; a server object is made for each and goes with its last
 * connection.
 */
export class TlsTerminator {
  readonly #protocols: readonly string[]
  readonly #waiting = new Map<string, (secured: TLSSocket) => void>()
  #source: TlsSource | undefined
  #identity: TlsIdentity | undefined
  #server: Server | undefined
  /** What was made of identities that are chosen by name. */
  #named = new WeakMap<TlsIdentity, { certificate: X509Certificate; context: SecureContext }>()

  /** @param protocols that clients may choose by ALPN (RFC 7301); those that offer none of them are turned away, those without ALPN are not */
  constructor(protocols: readonly string[]) {
    this.#protocols = protocols
  }

  /**
   * Shakes hands on `socket`, which belongs to TLS from then on and is destroyed when the handshake fails. Its time is not limited here.
   * @param identity the source's current one
   * @param done called with the clear side, on which nothing was read yet
   */
  secure(socket: Socket, source: TlsSource, identity: TlsIdentity, done: (secured: TLSSocket) => void): void {
    this.#source = source
    const key = toKey(socket)
    this.#waiting.set(key, done)
    socket.once('close', () => {
      if (this.#waiting.get(key) === done) this.#waiting.delete(key)
    })
    // a client that leaves within the handshake is gone; later on it may wait for answers with its side ended
    socket.allowHalfOpen = false
    this.#serverFor(identity).emit('connection', socket)
  }

  #serverFor(identity: TlsIdentity): Server {
    if (this.#server && this.#identity === identity) return this.#server
    this.#identity = identity
    this.#named = new WeakMap()
    this.#server = this.#createServer(identity)
    return this.#server
  }

  #createServer(identity: TlsIdentity): Server {
    const { cert, key, clientAuth, ticketKeys, keylog } = identity
    const server = createServer({
      cert,
      key,
      ticketKeys,
      ca: authoritiesOf(identity),
      minVersion: 'TLSv1.2',
      requestCert: clientAuth !== 'nocert',
      rejectUnauthorized: clientAuth === 'require_and_verify',
      ALPNProtocols: [...this.#protocols],
      SNICallback: (name, answer) => answer(null, this.#contextFor(name, identity)),
    })
    server.on('secureConnection', (secured) => this.#secured(secured, clientAuth))
    server.on('tlsClientError', (_error, secured) => secured.destroy())
    if (keylog) server.on('keylog', keylog)
    return server
  }

  /** The certificate for a name; undefined for the first one, which has it or is shown when none has. */
  #contextFor(name: string, first: TlsIdentity): SecureContext | undefined {
    const others = (this.#source?.others ?? []).flatMap(({ current }) => current ?? [])
    if (others.length === 0 || this.#name(first, first).certificate.checkHost(name)) return undefined
    const named = others.map((identity) => this.#name(identity, first))
    return named.find(({ certificate }) => certificate.checkHost(name))?.context
  }

  #name(identity: TlsIdentity, first: TlsIdentity) {
    const known = this.#named.get(identity)
    if (known) return known
    const { cert, key } = identity
    const context = createSecureContext({ cert, key, ca: authoritiesOf(first), minVersion: 'TLSv1.2' })
    const made = { certificate: new X509Certificate(cert), context }
    this.#named.set(identity, made)
    return made
  }

  #secured(secured: TLSSocket, clientAuth: ClientAuth): void {
    const key = toKey(secured)
    const done = this.#waiting.get(key)
    this.#waiting.delete(key)
    secured.allowHalfOpen = true
    secured.on('error', () => secured.destroy())
    if (done && isWelcome(secured, clientAuth)) done(secured)
    else secured.destroy()
  }
}

/** Authorities for clients' certificates, where they are asked. */
function authoritiesOf({ ca, clientAuth }: TlsIdentity): string | string[] | undefined {
  const asks = clientAuth === 'verify_if_given' || clientAuth === 'require_and_verify'
  return ca ?? (asks ? trustedAuthorities() : undefined)
}

/** What Node does not check: that there is a certificate, and that one that need not be there is good. */
function isWelcome(secured: TLSSocket, clientAuth: ClientAuth): boolean {
  const given = clientAuth !== 'nocert' && secured.getPeerX509Certificate() !== undefined
  if (clientAuth === 'require') return given
  return clientAuth !== 'verify_if_given' || !given || secured.authorized
}

/** A server has one connection of these ends at a time. */
function toKey({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
