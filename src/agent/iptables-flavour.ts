import { type Exec, NOT_FOUND } from './exec.ts'
import type { Family } from './rules.ts'

/** The two iptables: one talks to the kernel's nftables, one to its older tables. Rules of one don't show in the other. */
export type Flavour = 'nft' | 'legacy'

/** Names of the commands of a flavour. */
export interface IptablesCommands {
  flavour: Flavour
  save: Record<Family, string>
  restore: Record<Family, string>
}

/** Chains that the kubelet keeps for tools to find its flavour by; the second is the older one. */
const HINT = /^:(KUBE-IPTABLES-HINT|KUBE-KUBELET-CANARY) /m

/**
 * The flavour that the node's kubelet uses, as `iptables-wrappers` of Kubernetes finds it; `nft` when there is no trace of one. The
 * commands are called by the flavour's name: what the plain name stands for is a matter of the image.
 * @param wanted undefined finds it out
 * @returns undefined when the machine has no iptables (of that flavour)
 */
export async function findIptables(exec: Exec, wanted?: Flavour): Promise<IptablesCommands | undefined> {
  const flavour = wanted ?? (await detectFlavour(exec))
  for (const each of wanted ? [flavour] : ([flavour, flavour === 'nft' ? 'legacy' : 'nft'] as const)) {
    const commands = await findCommands(exec, each)
    if (commands) return commands
  }
  return undefined
}

async function detectFlavour(exec: Exec): Promise<Flavour> {
  // Asking the legacy commands for one table would create it.
  const looks: [flavour: Flavour, command: string, args: string[]][] = [
    ['nft', 'iptables-nft-save', ['-t', 'mangle']],
    ['nft', 'ip6tables-nft-save', ['-t', 'mangle']],
    ['legacy', 'iptables-legacy-save', []],
    ['legacy', 'ip6tables-legacy-save', []],
  ]
  for (const [flavour, command, args] of looks) {
    const { code, stdout } = await exec(command, args)
    if (code === 0 && HINT.test(stdout)) return flavour
  }
  return 'nft'
}

/** Commands by the flavour's name, else by the plain one when that is of the flavour. */
async function findCommands(exec: Exec, flavour: Flavour): Promise<IptablesCommands | undefined> {
  if ((await exec(`iptables-${flavour}`, ['--version'])).code !== NOT_FOUND) return nameCommands(flavour, `-${flavour}`)
  const { code, stdout } = await exec('iptables', ['--version'])
  const plain: Flavour = stdout.includes('(nf_tables)') ? 'nft' : 'legacy'
  return code === 0 && plain === flavour ? nameCommands(flavour, '') : undefined
}

function nameCommands(flavour: Flavour, suffix: string): IptablesCommands {
  const names = (verb: string) => ({ ipv4: `iptables${suffix}-${verb}`, ipv6: `ip6tables${suffix}-${verb}` })
  return { flavour, save: names('save'), restore: names('restore') }
}
