/** The servers that the bench compares: what to start, and on which address and port it listens. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { V8_FLAGS } from '../../src/cli/v8-flags.ts'
import { ROOT } from '../kit/sources.ts'

/** All servers of the bench listen on it, one after the other. */
export const ADDRESS = '127.0.0.3'
/** Server blocks of the variant that has many. */
export const BLOCKS = 1000
/** The upstream's address; it answers from fixed data. */
export const UPSTREAM = { address: '127.0.0.2', port: 5301 }

export interface ServerUnderTest {
  name: string
  port: number
  /** Program and arguments. */
  command: string[]
  /** Its environment differs by these. */
  env?: Record<string, string>
}

/** Writes all configurations into `folder` and returns the servers that this machine has, corelet first. */
export function findServers(folder: string): ServerUnderTest[] {
  const write = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  const main = [process.execPath, ...V8_FLAGS, join(ROOT, 'src/cli/main.ts'), '-conf']
  const corelet = (port: number, options = '') =>
    write(
      `Corefile.${port}`,
      `.:${port} {\n  bind ${ADDRESS}\n  errors\n  cache 30\n  prometheus ${ADDRESS}:${port + 1000}\n${options}  forward . ${UPSTREAM.address}:${UPSTREAM.port}\n}\n`,
    )
  const forward = `forward . ${UPSTREAM.address}:${UPSTREAM.port}`
  const block = (i: number) =>
    `zone${i}.corp:5333 {\n  bind ${ADDRESS}\n  errors\n  cache 30\n  prometheus ${ADDRESS}:6333\n  ${forward}\n}\n`
  const blocks = Array.from({ length: BLOCKS }, (_, i) => block(i)).join('')
  const large = `.:5334 {\n  bind ${ADDRESS}\n  errors\n  cache 300 {\n    success 200000\n    max_bytes 1G\n  }\n  prometheus ${ADDRESS}:6334\n  ${forward}\n}\n`
  const peers: ServerUnderTest[] = [
    { name: 'corelet', port: 5330, command: [...main, corelet(5330)] },
    { name: 'corelet with aaaa-filter', port: 5331, command: [...main, corelet(5331, '  aaaa-filter\n')] },
    { name: 'corelet without libc', port: 5332, command: [...main, corelet(5332)], env: { CORELET_NET: 'dgram' } },
    {
      name: 'corelet with 1000 blocks',
      port: 5333,
      command: [...main, write('Corefile.5333', `${blocks}.:5333 {\n  bind ${ADDRESS}\n  ${forward}\n}\n`)],
    },
    { name: 'corelet with 100000 names', port: 5334, command: [...main, write('Corefile.5334', large)] },
    { name: 'corelet with multisocket 2', port: 5335, command: [...main, corelet(5335, '  multisocket 2\n')] },
    { name: 'corelet with multisocket 1', port: 5336, command: [...main, corelet(5336, '  multisocket 1\n')] },
    { name: 'unbound', port: 5340, command: ['unbound', '-c', write('unbound.conf', unboundForwarder(5340))] },
    {
      name: 'dnsmasq',
      port: 5341,
      command: [
        ...[
          'dnsmasq',
          '-k',
          '-u',
          'root',
          '-p',
          '5341',
          `--listen-address=${ADDRESS}`,
          '--bind-interfaces',
          '--no-resolv',
        ],
        ...['--no-hosts', '--pid-file=', '-c', '10000', '--dns-forward-max=1000'],
        `--server=${UPSTREAM.address}#${UPSTREAM.port}`,
      ],
    },
    {
      name: 'knot resolver',
      port: 5342,
      command: ['kresd', '-n', '-c', write('kresd.conf', knotResolver(5342)), knotFolder(folder)],
    },
    {
      name: 'powerdns recursor',
      port: 5343,
      command: [
        ...[
          'pdns_recursor',
          '--config-dir=/nonexistent',
          `--local-address=${ADDRESS}`,
          '--local-port=5343',
          '--daemon=no',
        ],
        ...['--allow-from=127.0.0.0/8', '--dont-query=', '--dnssec=off', '--threads=1', '--security-poll-suffix='],
        ...[`--socket-dir=${folder}`, '--disable-syslog=yes'],
        `--forward-zones-recurse=.=${UPSTREAM.address}:${UPSTREAM.port}`,
      ],
    },
    { name: 'limit in C', port: 5344, command: [join(folder, 'limit'), ADDRESS, '5344'] },
  ]
  if (isInstalled('gcc')) {
    execFileSync('gcc', ['-O2', '-o', join(folder, 'limit'), join(import.meta.dirname, 'limit.c')])
  }
  return peers.filter(({ command }) => isInstalled(command[0]!))
}

/** The configuration of the upstream. */
export function upstreamConfig(): string {
  return `server:
  interface: ${UPSTREAM.address}@${UPSTREAM.port}
  port: ${UPSTREAM.port}
${PLAIN}  local-zone: "corp." redirect
  local-data: "corp. 300 IN A 192.0.2.1"
  local-data: "corp. 300 IN AAAA 2001:db8::1"
remote-control:
  control-enable: no
`
}

const PLAIN = `  do-daemonize: no
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  access-control: 127.0.0.0/8 allow
  num-threads: 1
  module-config: "iterator"
`

function unboundForwarder(port: number): string {
  return `server:
  interface: ${ADDRESS}@${port}
  port: ${port}
  do-not-query-localhost: no
${PLAIN}forward-zone:
  name: "."
  forward-addr: ${UPSTREAM.address}@${UPSTREAM.port}
remote-control:
  control-enable: no
`
}

function knotResolver(port: number): string {
  return `net.listen('${ADDRESS}', ${port}, { kind = 'dns' })
policy.add(policy.all(policy.FORWARD({'${UPSTREAM.address}@${UPSTREAM.port}'})))
trust_anchors.remove('.')
cache.size = 100 * MB
modules.unload('ta_update')
`
}

function knotFolder(folder: string): string {
  const path = join(folder, 'kresd')
  mkdirSync(path, { recursive: true })
  return path
}

function isInstalled(program: string): boolean {
  if (program.includes('/')) return spawnSync('test', ['-x', program]).status === 0
  return (
    spawnSync('which', [program], { stdio: 'ignore', env: { PATH: `${process.env['PATH']}:/usr/sbin` } }).status === 0
  )
}
