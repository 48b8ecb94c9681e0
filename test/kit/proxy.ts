/** Headers of the PROXY protocol, version 2. */
import { addressToOctets } from '../../src/dns/address.ts'

export interface V2Parts {
  /** 0 is LOCAL, 1 is PROXY. */
  command?: number
  /** 1 is a stream, 2 are datagrams. */
  transport?: number
  /** What follows the addresses. */
  tail?: Buffer
  /** The length that it says it has. */
  length?: number
}

/** A header for a client; its server is 192.0.2.254 or 2001:db8::fe, port 53. */
export function toV2(address: string, port: number, parts: V2Parts = {}): Buffer {
  const { command = 1, transport = 1, tail = Buffer.alloc(0) } = parts
  const from = addressToOctets(address)!
  const to = addressToOctets(from.length === 4 ? '192.0.2.254' : '2001:db8::fe')!
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(port)
  ports.writeUInt16BE(53, 2)
  const body = Buffer.concat([from, to, ports, tail])
  const fixed = Buffer.from([0x20 | command, (from.length === 4 ? 0x10 : 0x20) | transport, 0, 0])
  fixed.writeUInt16BE(parts.length ?? body.length, 2)
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), fixed, body])
}
