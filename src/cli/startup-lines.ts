import { hasPreferredSyntax, syntaxWarning } from '../corefile/listeners.ts'
import type { Site } from '../instance/listen.ts'

/** What is served: for each listener its zones, sorted, as `ZONE:PORT` or `ZONE:PORT on ADDRESS`. */
export function zoneLines(sites: readonly Site[]): string[] {
  return sites.flatMap(({ listener, blocks }) => {
    const { transport, address, port } = listener
    const scheme = transport === 'dns' ? '' : `${transport}://`
    const zones = [...new Set(blocks.flatMap(({ key }) => key.zones))].sort()
    return zones.flatMap((zone) => [
      ...(hasPreferredSyntax(zone) ? [] : [syntaxWarning(zone)]),
      `${scheme}${zone}:${port}${address === '' ? '' : ` on ${address}`}`,
    ])
  })
}
