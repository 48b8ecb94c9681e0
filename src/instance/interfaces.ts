import { readdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

/** All addresses of each network interface of the machine, link-local IPv6 ones with `%IFACE`. Empty when they can't be listed. */
export function listInterfaces(): Map<string, string[]> {
  const interfaces = new Map(names().map((name) => [name, [] as string[]]))
  for (const [name, addresses = []] of Object.entries(listAddresses())) {
    interfaces.set(
      name,
      addresses.map(({ address }) => (/^fe[89ab]/i.test(address) ? `${address}%${name}` : address)),
    )
  }
  return interfaces
}

/** Interfaces without an address, which the system call for addresses leaves out, are listed by the kernel. */
function names(): string[] {
  try {
    return readdirSync('/sys/class/net')
  } catch {
    return []
  }
}

function listAddresses(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces()
  } catch {
    return {}
  }
}
