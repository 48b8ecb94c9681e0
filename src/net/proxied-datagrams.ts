import type { SocketClock } from './clock.ts'
import type { End, Ends } from './connection.ts'
import { type ProxySettings, readProxyHeader } from './proxy-header.ts'

/** A datagram without its header, and between whom it was. */
export interface ProxiedDatagram {
  packet: Uint8Array
  /** undefined: between those who exchanged it. */
  ends: Ends | undefined
}

/** Takes the headers of the PROXY protocol off datagrams, and remembers for whom a proxy speaks when it says so only once. */
export class ProxiedDatagrams {
  readonly #settings: ProxySettings
  readonly #clock: SocketClock
  /** By the proxy's address and port; the one that asked longest ago stands first. */
  readonly #sessions = new Map<string, { ends: Ends; until: number }>()

  constructor(settings: ProxySettings, clock: SocketClock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** @returns undefined when the datagram is settled: it was only a header, or is refused */
  unwrap(packet: Uint8Array, peer: End): ProxiedDatagram | undefined {
    const policy = this.#settings.policyOf(peer.address)
    if (policy === 'skip') return { packet, ends: undefined }
    const header = readProxyHeader(Buffer.from(packet.buffer, packet.byteOffset, packet.length))
    if (header === 'none') return { packet, ends: this.#recall(peer) }
    if (header === 'more' && packet.length < SHORTEST) return { packet, ends: undefined }
    if (policy === 'reject') return this.#refuse(peer, 'headers are rejected')
    if (typeof header === 'string') return this.#refuse(peer, 'the header is malformed')
    if (!header.isDatagram && header.ends) return this.#refuse(peer, 'the header is not about UDP')
    const ends = policy === 'use' ? header.ends : undefined
    const rest = packet.subarray(header.length)
    if (rest.length > 0) return { packet: rest, ends }
    if (ends) this.#remember(peer, ends)
    return undefined
  }

  #recall(peer: End): Ends | undefined {
    const session = this.#sessions.get(toKey(peer))
    if (!session || session.until <= this.#clock.monotonic()) return undefined
    this.#remember(peer, session.ends)
    return session.ends
  }

  #remember(peer: End, ends: Ends): void {
    const { tracking } = this.#settings
    if (!tracking) return
    const key = toKey(peer)
    this.#sessions.delete(key)
    this.#sessions.set(key, { ends, until: this.#clock.monotonic() + tracking.milliseconds })
    if (this.#sessions.size <= tracking.most) return
    const [oldest] = this.#sessions.keys()
    this.#sessions.delete(oldest!)
  }

  #refuse({ address }: End, why: string): undefined {
    this.#settings.refused(address, why)
  }
}

/** Octets of the shortest thing that can be told from a query. */
const SHORTEST = 12

function toKey({ address, port }: End): string {
  return `${address} ${port}`
}
