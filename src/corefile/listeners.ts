/** What several server blocks may serve side by side. */
import { createDiagnostic, type Finding } from './diagnostics.ts'
import { KEY_CODES } from './key-codes.ts'
import type { Key } from './keys.ts'
import type { Diagnostic } from './model.ts'

/** A server block with the addresses that it listens on. */
export interface ListeningBlock {
  keys: readonly Key[]
  /** IP addresses; undefined when the block has no `bind` and listens everywhere. */
  addresses: readonly string[] | undefined
  /** Whether it has a `view`. */
  hasView: boolean
}

/** A zone at a listener: `dns://example.org.:53 on 127.0.0.1`. */
interface Served {
  key: Key
  zone: string
  /** Empty for all addresses. */
  address: string
}

/**
 * Looks for zones that are served twice at the same transport, port and address, and for those served both at one address and at all.
 * Blocks with a view may serve what others do, but behind one without they are never reached.
 */
export function checkListeners(blocks: readonly ListeningBlock[]): Diagnostic[] {
  const findings: Finding[] = []
  const exact = new Map<string, Served>()
  const anyAddress = new Map<string, Served>()
  for (const { served, hasView } of listServed(blocks)) {
    const name = show(served)
    const unbound = { ...served, address: '' }
    const before = exact.get(name)
    const same = hasView ? undefined : before
    const overlapping = served.address === '' ? anyAddress.get(name) : exact.get(show(unbound))
    const { position } = served.key.token
    if (same) {
      const { line, file } = same.key.token.position
      findings.push({ position, code: 'already-defined', params: [name, line, file] })
    } else if (overlapping && overlapping.address !== served.address) {
      findings.push({ position, code: 'zone-overlap', params: [name, show(overlapping)] })
    } else if (before) {
      const { line, file } = before.key.token.position
      findings.push({ position, code: 'view-behind-all', params: [name, line, file] })
    } else if (!hasView) {
      exact.set(name, served)
      anyAddress.set(show(unbound), served)
    }
  }
  return findings.map((finding) => createDiagnostic(finding, KEY_CODES))
}

function* listServed(blocks: readonly ListeningBlock[]): Generator<{ served: Served; hasView: boolean }> {
  for (const { keys, addresses, hasView } of blocks)
    for (const key of keys)
      for (const zone of key.zones)
        for (const address of addresses ?? ['']) yield { served: { key, zone, address }, hasView }
}

function show({ key, zone, address }: Served): string {
  return `${key.transport}://${zone}:${key.port}${address === '' ? '' : ` on ${address}`}`
}

/** Whether a zone has the syntax that RFC 1035 §2.3.1 prefers; the root and reverse zones count as such. */
export function hasPreferredSyntax(zone: string): boolean {
  if (zone === '.' || /(^|\.)(in-addr|ip6)\.arpa\.$/i.test(zone)) return true
  return zone
    .slice(0, -1)
    .split('.')
    .every((label) => /^[a-z]([a-z0-9-]*[a-z0-9])?$/i.test(label))
}

/** The line that the start's output has before a zone with unusual syntax. */
export function syntaxWarning(zone: string): string {
  return `Warning: Domain "${zone}" does not follow RFC1035 preferred syntax`
}
