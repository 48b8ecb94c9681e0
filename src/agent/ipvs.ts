import { toCanonicalAddress } from '../dns/address.ts'
import type { Exec } from './exec.ts'
import { Link } from './link.ts'

/** Where kube-proxy in its mode ipvs puts the addresses of all services. */
const IPVS_LINK = 'kube-ipvs0'

/**
 * Which addresses can be had on this node. Packets to those of kube-proxy's mode ipvs go its way whatever rules there are, and taking such an
 * address from it would take the service away.
 * @throws (rejects) NodeError
 */
export async function leaveToIpvs(
  exec: Exec,
  addresses: readonly string[],
): Promise<{ ours: string[]; theirs: string[] }> {
  const state = await new Link(exec, IPVS_LINK, 'existing').look()
  const isTheirs = (address: string) => state?.addresses.includes(toCanonicalAddress(address)) ?? false
  return { ours: addresses.filter((each) => !isTheirs(each)), theirs: addresses.filter(isTheirs) }
}
