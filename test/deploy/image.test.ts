/** The files of the image, laid out by the script that the Dockerfile runs, and run as a container. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { V8_FLAGS } from '../../src/cli/v8-flags.ts'
import { canContain, runContained } from '../kit/container.ts'
import { ROOT } from '../kit/sources.ts'

const MIB = 2 ** 20
/** Most that the image may add to its base. */
const SERVER_LIMIT = 8 * MIB
const NODE_LIMIT = 16 * MIB

const skip = process.platform !== 'linux'
let folder: string
const server = () => join(folder, 'server')
const node = () => join(folder, 'node')

function assemble(...args: string[]): void {
  execFileSync(process.execPath, [join(ROOT, 'deploy/image/assemble.ts'), ...args], { stdio: 'pipe' })
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-'))
  if (skip) return
  assemble('--base', server())
  assemble('--base', '--node', node())
})

after(() => rm(folder, { recursive: true, force: true }))

/** Octets of all files below a folder. */
function sizeOf(path: string): number {
  const stat = lstatSync(path)
  if (!stat.isDirectory()) return stat.size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

test('the layers are small', { skip }, (t) => {
  const base = sizeOf(server()) - sizeOf(join(server(), 'corelet'))
  const ours = { server: sizeOf(server()) - base, node: sizeOf(node()) - base }
  const show = (octets: number) => `${(octets / MIB).toFixed(1)} MiB`
  t.diagnostic(`server ${show(ours.server)}, node ${show(ours.node)}, Node.js and its libraries ${show(base)}`)
  assert.ok(ours.server < SERVER_LIMIT && ours.node < NODE_LIMIT, JSON.stringify(ours))
})

test('there is no shell, no package manager and no source', { skip }, () => {
  for (const path of ['bin/sh', 'usr/bin/sh', 'bin/bash', 'usr/bin/apt', 'usr/bin/npm', 'corelet/src/cli/main.ts'])
    assert.equal(existsSync(join(node(), path)), false, path)
})

test('the server runs as nobody without a capability, on port 53, where nothing can be written', {
  skip: skip || !canContain(),
}, () => {
  const output = runContained(
    { root: server(), user: 65_532, capabilities: [] },
    `
      printf '.:53 {\\n whoami\\n}\\n' >"$ROOT/etc/coredns/Corefile"
      (contained /coredns -conf /etc/coredns/Corefile) & pid=$!
      answers 127.0.0.1
      for how in +notcp +tcp; do dig @127.0.0.1 $how +time=1 +tries=1 a.test | grep -o 'status: [A-Z]*'; done
      (contained /nodejs/bin/node /corelet/src/cli/main.js health); echo "health $?"
      grep -E 'CapEff|NoNewPrivs|^Uid' "$ROOT/proc/$pid/status"
      tr '\\0' ' ' <"$ROOT/proc/$pid/cmdline"; echo
      (contained /nodejs/bin/node -e 'fs.writeFileSync("/corelet/x", "")') 2>&1 | grep -o EROFS
      kill $pid; wait $pid; echo "ended with $?"
      (contained /nodejs/bin/node /corelet/src/cli/main.js health); echo "health $?"
    `,
  )
  assert.equal(output.match(/status: NOERROR/g)?.length, 2, output)
  assert.match(output, /^Uid:\s+65532\s+65532\s/m)
  assert.match(output, /^CapEff:\s+0{16}$/m)
  assert.match(output, /^NoNewPrivs:\s+1$/m)
  assert.ok(output.includes(`/nodejs/bin/node ${V8_FLAGS.join(' ')} /corelet/`), output)
  assert.match(output, /^EROFS$/m)
  assert.match(output, /^health 0$[\s\S]*^ended with 0$[\s\S]*^health 1$/m)
})

test('the agent of a node runs with two capabilities, takes over the addresses and gives them back', {
  skip: skip || !canContain(),
}, () => {
  const output = runContained(
    {
      root: node(),
      user: 0,
      capabilities: ['net_admin', 'net_bind_service'],
      env: { KUBE_DNS_UPSTREAM_SERVICE_HOST: '10.96.7.7' },
    },
    `
      printf 'cluster.local:53 {\\n bind __PILLAR__LOCAL__DNS__\\n whoami\\n}\\n' >"$ROOT/etc/coredns/Corefile.base"
      (contained /node-cache -localip 169.254.20.10,10.96.0.10 -conf /run/Corefile -upstreamsvc kube-dns-upstream -pidfile /run/pid) & pid=$!
      for i in $(seq 100); do [ -e "$ROOT/run/pid" ] && break; sleep 0.1; done
      for address in 169.254.20.10 10.96.0.10; do
        answers $address
        dig @$address +time=1 +tries=1 a.cluster.local | grep -o 'status: [A-Z]*'
      done
      for i in $(seq 50); do chroot "$ROOT" /usr/sbin/nft list ruleset 2>/dev/null | grep -q notrack && break; sleep 0.1; done
      chroot "$ROOT" /usr/sbin/nft list ruleset 2>/dev/null | grep -o notrack | sort -u
      chroot "$ROOT" /usr/sbin/ip -brief address show dev nodelocaldns
      grep -E 'CapEff|^Uid' "$ROOT/proc/$pid/status"
      kill $pid; wait $pid; echo "ended with $?"
      chroot "$ROOT" /usr/sbin/nft list ruleset 2>/dev/null | grep -c notrack
      chroot "$ROOT" /usr/sbin/ip -brief address | grep -c nodelocaldns
      chroot "$ROOT" /usr/sbin/iptables-legacy -t raw -S; chroot "$ROOT" /usr/sbin/ip6tables-nft -t raw -S
      chroot "$ROOT" /usr/sbin/iptables-nft -t raw -A PREROUTING -p udp --dport 53 -m socket -m comment --comment c -j NOTRACK && echo extensions
    `,
  )
  assert.equal(output.match(/status: NOERROR/g)?.length, 2, output)
  assert.match(output, /^notrack$/m)
  assert.match(output, /^nodelocaldns\s.*169\.254\.20\.10\/32 10\.96\.0\.10\/32/m)
  assert.match(output, /^CapEff:\s+0{11}41400$/m)
  assert.match(output, /^ended with 0\n0\n0$/m)
  assert.equal(output.match(/^-P PREROUTING ACCEPT$/gm)?.length, 2, output)
  assert.match(output, /^extensions$/m)
})
