/** A rendered pod, run as the kubelet would have it run: the image's files, its volumes, its user and capabilities, a network of the rig. */
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from '../../../src/agent/exec.ts'
import type { Netns } from '../../kit/netns.ts'
import { childrenOf } from '../../kit/proc.ts'
import { read } from '../../kit/sources.ts'
import type { Resource } from './chart.ts'
import { expand, FIELDS, listFiles, listVariables } from './mounts.ts'
import type { Probe, Workload } from './workloads.ts'

/** What a container is to be given besides what its objects say. */
export interface Place {
  /** Folder with the files of the image, which are not written to. */
  image: string
  netns: Netns
  /** Address of Services by name. */
  services: Readonly<Record<string, string>>
  /** The resolver of the node. */
  nameserver: string
  /** The API server, for pods with a token: where it is, and its certificate. */
  api?: { host: string; port: number; ca: string }
}

export interface Pod {
  /** What it has written so far. */
  readonly output: string
  /** Settles with its status when it has ended. */
  readonly ended: Promise<number | null>
  /** Whether a probe succeeds, as the kubelet does it. */
  probe(probe: Probe): Promise<boolean>
  /** Waits until a probe succeeds. @throws (rejects) Error after 30 s, or when it ended */
  becomes(probe: Probe): Promise<void>
  /** Ends it as the kubelet does. @returns its status */
  stop(): Promise<number | null>
  /** Ends it at once, with all of its processes. */
  kill(): Promise<void>
}

const PATIENCE = 30_000
const LOOK = 100

/** Where a pod that may ask the API finds its token. */
const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The command of the image, as its Dockerfile says. */
const [ENTRYPOINT] = [...read('deploy/image/Dockerfile').matchAll(/^ENTRYPOINT (\[.*\])$/gm)].map(
  ([, json]) => JSON.parse(json!) as string[],
)

/** Makes the mounts of a container and becomes a command in it. */
const ENTER = `
set -e
mount --bind "$ROOT" "$ROOT"
for each in proc sys dev; do mount --rbind "/$each" "$ROOT/$each"; done
while read -r from to; do mount --bind "$from" "$ROOT$to"; done <"$MOUNTS"
mount -o remount,bind,ro "$ROOT"
exec "$@"
`

/** Starts a container of a pod, the first one when left out. */
export function startPod(
  { pod }: Pick<Workload, 'pod'>,
  resources: readonly Resource[],
  { image, netns, services, nameserver, api }: Place,
  container = pod.containers[0]!,
): Pod {
  const folder = mkdtempSync(join(tmpdir(), 'pod-'))
  const mounts = writeMounts()
  for (const { name, value } of pod.securityContext.sysctls ?? []) netns.run('sysctl', '-qw', `${name}=${value}`)
  const user = container.securityContext.runAsUser ?? pod.securityContext.runAsUser ?? 0
  const variables: Record<string, string> = {
    ...listVariables(container, resources, services),
    ...(api && { KUBERNETES_SERVICE_HOST: api.host, KUBERNETES_SERVICE_PORT: String(api.port) }),
  }
  const enter = (command: readonly string[]) => {
    const entering = ['sys_chroot', ...(user === 0 ? [] : ['setuid', 'setgid'])]
    const added = (container.securityContext.capabilities.add ?? []).map((each) => each.toLowerCase())
    const bounding = ['-all', ...[...entering, ...added].map((each) => `+${each}`)].join(',')
    const set = ['setpriv', '--no-new-privs', '--inh-caps=-all', `--bounding-set=${bounding}`]
    const environment = Object.entries({ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...variables }).map(
      ([name, value]) => `${name}=${value}`,
    )
    return [
      ...set,
      'env',
      '-i',
      ...environment,
      '/usr/sbin/chroot',
      ...(user === 0 ? [] : [`--userspec=${user}:${user}`]),
      image,
      ...command,
    ]
  }
  const args = [...(container.command ?? ENTRYPOINT!), ...(container.args ?? [])].map((each) => expand(each, variables))
  const child = netns.start('env', [`ROOT=${image}`, `MOUNTS=${mounts}`, 'sh', '-c', ENTER, 'sh', ...enter(args)])
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  }
  let isOver = false
  const ended = once(child, 'close').then(([code]) => {
    process.off('exit', kill)
    isOver = true
    rmSync(folder, { recursive: true, force: true })
    return code as number | null
  })

  /** A line with source and target of each mount, in a file. */
  function writeMounts(): string {
    const lines = [`${write('resolv.conf', `nameserver ${nameserver}\n`)} /etc/resolv.conf`]
    const files = listFiles(pod, container, resources)
    for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
      const volume = pod.volumes!.find((each) => each.name === name)!
      const path = volume.hostPath?.type.startsWith('File')
        ? join(netns.runFolder, basename(volume.hostPath.path))
        : join(folder, mountPath)
      if (volume.hostPath) writeFileSync(path, '')
      else if (subPath !== undefined) write(mountPath, files.get(mountPath)!)
      else mkdirSync(path, { recursive: true })
      if (volume.emptyDir) chmodSync(path, 0o777)
      lines.push(`${path} ${mountPath}`)
      makeTarget(mountPath, volume.hostPath !== undefined || subPath !== undefined)
    }
    for (const [path, text] of files) write(path, text)
    if (api && pod.automountServiceAccountToken) {
      write(`${TOKEN}/token`, 'token')
      write(`${TOKEN}/ca.crt`, api.ca)
      lines.push(`${join(folder, TOKEN)} ${TOKEN}`)
      makeTarget(TOKEN, false)
    }
    makeTarget('/etc/resolv.conf', true)
    return write('mounts', `${lines.join('\n')}\n`)
  }

  function write(path: string, text: string): string {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
    return join(folder, path)
  }

  /** What a mount goes over has to be there. */
  function makeTarget(path: string, isFile: boolean): void {
    mkdirSync(join(image, isFile ? dirname(path) : path), { recursive: true })
    if (isFile) writeFileSync(join(image, path), '', { flag: 'a' })
  }

  const exec = (command: readonly string[]): Promise<Outcome> =>
    netns.exec('nsenter', ['--target', String(child.pid), '--mount', ...enter(command)])
  const succeeds: Pod['probe'] = async ({ exec: asked, httpGet }) => {
    if (asked) return (await exec(asked.command)).code === 0
    const { host = FIELDS['status.podIP']!, port, path } = httpGet!
    const number = typeof port === 'number' ? port : container.ports?.find(({ name }) => name === port)?.containerPort
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${number}${path}`
    const { stdout } = await netns.exec('curl', ['-s', '-o', '/dev/null', '-m', '2', '-w', '%{http_code}', url])
    return /^[23]\d\d$/.test(stdout)
  }
  return {
    get output() {
      return output
    },
    ended,
    probe: succeeds,
    async becomes(probe) {
      const end = performance.now() + PATIENCE
      while (!(await succeeds(probe))) {
        if (isOver || performance.now() > end)
          throw new Error(`the probe did not succeed: ${JSON.stringify(probe)}\n${output}`)
        await sleep(LOOK)
      }
    },
    stop() {
      child.kill('SIGTERM')
      return ended
    },
    async kill() {
      if (isOver) return
      for (const each of [child.pid!, ...childrenOf(child.pid!)]) process.kill(each, 'SIGKILL')
      await ended
    },
  }
}
