/** The manifest that people apply, run as it stands: its arguments, its Corefile, its sed command. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { createTestNode, type TestNode } from '../kit/agent.ts'
import { canMakeNetns } from '../kit/netns.ts'
import { type Cli, killLeftovers, startCli } from '../kit/process.ts'
import { read } from '../kit/sources.ts'

const MANIFEST = read('deploy/manifests/node-local-dns.yaml')
const VARIABLES = { localdns: '169.254.20.10', domain: 'cluster.local', kubedns: '10.96.0.10' }
const CLUSTER_DNS = '10.96.0.99'
const RESOLVER = '127.0.0.2'

/** What `sed` makes of the manifest, by the commands in its comment: the one for iptables, then the one for ipvs. */
const [service, ipvs] = [...MANIFEST.matchAll(/sed "([^"]+)"/g)].map(([, script = '']) => {
  const filled = script.replace(/\$(\w+)/g, (_, name) => VARIABLES[name as keyof typeof VARIABLES])
  return execFileSync('sed', [filled], { input: MANIFEST, encoding: 'utf8' })
}) as [string, string]

/** The arguments of the container; `[...]` of YAML is JSON here. */
function argsOf(manifest: string): string[] {
  return JSON.parse(/^ *args: (\[.*\])$/m.exec(manifest)![1]!)
}

/** The ConfigMap's key, without its indentation. */
function corefileOf(manifest: string): string {
  const [, text = ''] = /^ {2}Corefile: \|\n((?: {4}.*\n)+)/m.exec(manifest)!
  return text.replace(/^ {4}/gm, '')
}

test('the sed command leaves only what the agent fills in', () => {
  const left = (text: string) => new Set(text.replace(/^#.*$/gm, '').match(/__[A-Z_]+__/g))
  assert.deepEqual(left(service), new Set(['__PILLAR__CLUSTER__DNS__', '__PILLAR__UPSTREAM__SERVERS__']))
  assert.deepEqual(left(ipvs), new Set(['__PILLAR__UPSTREAM__SERVERS__']))
})

test('objects name each other', () => {
  const args = argsOf(service)
  assert.match(
    MANIFEST,
    new RegExp(`^kind: Service\\nmetadata:\\n  name: ${args[args.indexOf('-upstreamsvc') + 1]}$`, 'm'),
  )
  assert.equal(MANIFEST.match(/k8s-app: node-local-dns/g)?.length, 5)
})

for (const [mode, manifest, addresses] of [
  ['iptables', service, [VARIABLES.localdns, VARIABLES.kubedns]],
  ['ipvs', ipvs, [VARIABLES.localdns]],
] as const) {
  describe(`the manifest for kube-proxy's ${mode}`, { skip: !canMakeNetns }, () => {
    let node: TestNode
    let agent: Cli
    const pidfile = argsOf(manifest)[argsOf(manifest).indexOf('-pidfile') + 1]!

    before(async () => {
      node = createTestNode('')
      for (const address of [CLUSTER_DNS, ...(mode === 'ipvs' ? [VARIABLES.kubedns] : [])]) {
        node.netns.run('ip', 'address', 'add', `${address}/32`, 'dev', 'lo')
      }
      const serve = async (address: string, host: string) => {
        const input = `.:53 {\n  bind ${address}\n  hosts {\n    ${host}\n  }\n}\n`
        await startCli(['-conf', 'stdin'], { inside: node.inside, input }).printed(/^corelet-/m)
      }
      await serve(mode === 'ipvs' ? VARIABLES.kubedns : CLUSTER_DNS, '10.96.0.1 kubernetes.default.svc.cluster.local')
      await serve(RESOLVER, '192.0.2.1 www.example.org')
      // the container's /etc, with its mounts
      mkdirSync(node.path('etc/coredns'), { recursive: true })
      node.write('etc/coredns/Corefile.base', corefileOf(manifest))
      node.write('etc/resolv.conf', `nameserver ${RESOLVER}\n`)
      const mounted = ['sh', '-c', 'mount --bind "$0" /etc && exec "$@"', node.path('etc')]
      agent = startCli(argsOf(manifest), {
        inside: [...node.inside, ...mounted],
        env: { KUBE_DNS_UPSTREAM_SERVICE_HOST: CLUSTER_DNS },
      })
      await agent.printed(/are led here/)
    })
    after(() => {
      killLeftovers()
      node.remove()
    })

    const dig = async (...words: string[]) => (await node.netns.exec('dig', [...words, '+short'])).stdout.trim()

    for (const address of addresses) {
      test(`${address} answers for the cluster and for the world`, async () => {
        assert.equal(await dig(`@${address}`, 'kubernetes.default.svc.cluster.local'), '10.96.0.1')
        assert.equal(await dig(`@${address}`, '-x', '10.96.0.1'), 'kubernetes.default.svc.cluster.local.')
        assert.equal(await dig(`@${address}`, '+tcp', 'www.example.org'), '192.0.2.1')
      })
    }

    test('the probe, the metrics and the pidfile are where the manifest says', async () => {
      const curl = async (url: string) => (await node.netns.exec('curl', ['-s', url])).stdout
      assert.equal(await curl(`http://${VARIABLES.localdns}:8080/health`), 'OK')
      await dig(`@${VARIABLES.localdns}`, 'www.example.org')
      const hits = `coredns_cache_hits_total{server="dns://${VARIABLES.localdns}:53",type="success",zones="."`
      for (const port of [9253, 9353]) assert.ok((await curl(`http://127.0.0.1:${port}/metrics`)).includes(hits))
      assert.ok(existsSync(pidfile))
    })

    test('corelet status agrees', async () => {
      const { code, stdout } = await node.run('status')
      assert.equal(code, 0, stdout)
    })

    test('deleting the manifest leaves nothing', async () => {
      agent.kill('SIGTERM')
      assert.equal((await agent.ended).code, 0)
      assert.equal(existsSync(pidfile), false)
      assert.equal((await node.run('uninstall')).stdout, 'nothing of an agent is left in this network\n')
    })
  })
}
