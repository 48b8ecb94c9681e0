/** The DNS of the cluster: an Unbound that says by its answers that it was it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Netns } from '../kit/netns.ts'
import { ANSWERS, WHO } from './names.ts'
import { ADDRESSES } from './network.ts'

const PATIENCE = 10_000

export interface ClusterDns {
  stop(): Promise<void>
}

/** Starts it in its network. @throws (rejects) Error */
export async function startClusterDns(netns: Netns): Promise<ClusterDns> {
  const file = join(netns.runFolder, 'unbound.conf')
  writeFileSync(
    file,
    [
      'server:',
      'chroot: ""',
      'username: ""',
      'pidfile: ""',
      'do-daemonize: no',
      'use-syslog: no',
      'verbosity: 1',
      'num-threads: 1',
      'so-rcvbuf: 1m',
      'access-control: 0.0.0.0/0 allow',
      'access-control: ::/0 allow',
      `interface: ${ADDRESSES.ipv4.clusterDns}`,
      `interface: ${ADDRESSES.ipv6.clusterDns}`,
      'local-zone: "." static',
      'local-zone: "cluster.local." redirect',
      'local-data: "cluster.local. 30 IN A 10.3.0.1"',
      `local-data: "${WHO} 5 IN A ${ANSWERS.cluster}"`,
      'remote-control:',
      'control-enable: no',
      '',
    ].join('\n'),
  )
  const child = netns.start('unbound', ['-c', file])
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let log = ''
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`unbound did not start\n${log}`)), PATIENCE)
    void ended.then(() => reject(new Error(`unbound ended\n${log}`)))
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk
      if (!log.includes('start of service')) return
      clearTimeout(timer)
      resolve()
    })
  })
  return {
    async stop() {
      process.off('exit', kill)
      kill()
      await ended
    },
  }
}
