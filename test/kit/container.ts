/** A folder run as a container would be: namespaces of its own, nothing to write to but what is mounted, few capabilities. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Whether this process may take itself apart like that. */
export function canContain(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/setpriv')) return false
  return spawnSync('unshare', ['-n', '-m', 'true']).status === 0
}

export interface Container {
  /** The folder that becomes the root. */
  root: string
  /** User and group; 0 keeps the capabilities. */
  user: number
  /** Capabilities besides those that it takes to enter, as setpriv names them. */
  capabilities: readonly string[]
  env?: Record<string, string>
}

/**
 * Runs a script of bash in the namespaces. In it, `contained COMMAND…` runs a command in the container, and everything else the machine's own
 * programs with the container's network. Folders that it may write to are /tmp, /run and /etc/coredns.
 * @returns what was written to standard output and standard error
 */
export function runContained({ root, user, capabilities, env = {} }: Container, script: string): string {
  const entering = user === 0 ? ['sys_chroot'] : ['sys_chroot', 'setuid', 'setgid']
  const bounding = ['-all', ...[...entering, ...capabilities].map((name) => `+${name}`)].join(',')
  const prelude = `
    exec 2>&1
    ip link set lo up
    echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
    mount --bind "$ROOT" "$ROOT"
    mount -t proc proc "$ROOT/proc"
    for each in tmp run etc/coredns; do mount -t tmpfs -o mode=1777 tmpfs "$ROOT/$each"; done
    mount -o remount,bind,ro "$ROOT"
    contained() {
      exec setpriv --no-new-privs --inh-caps=-all --bounding-set=${bounding} chroot ${user === 0 ? '' : `--userspec=${user}:${user}`} "$ROOT" "$@"
    }
    answers() { # ADDRESS: waits until something answers there
      for i in $(seq 60); do dig @"$1" +time=1 +tries=1 +noall +comments a.test >/dev/null && return; sleep 0.1; done
    }
  `
  const variables = { PATH: process.env['PATH'], ROOT: root, ...env }
  return execFileSync('unshare', ['-n', '-m', '-p', '-f', '--kill-child', 'bash', '-c', prelude + script], {
    encoding: 'utf8',
    env: variables,
    timeout: 60_000,
  })
}
