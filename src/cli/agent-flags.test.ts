import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AGENT_FLAGS, readAgentFlags } from './agent-flags.ts'
import { parseGoFlags, UsageError } from './go-flags.ts'

const SERVER = { conf: '', dnsPort: 53 }

function read(words: string, server = SERVER) {
  const warnings: string[] = []
  const { values } = parseGoFlags(words.split(' '), AGENT_FLAGS)
  const options = readAgentFlags(values, server, (text) => warnings.push(text))
  return { options, warnings }
}

test('without -localip there is no agent', () => {
  assert.equal(read('-setupiptables').options, undefined)
})

test("node-cache's defaults", () => {
  const { kubeDnsFolder, ...options } = read('-localip 169.254.20.10,10.96.0.10').options!
  assert.match(kubeDnsFolder, /^(\/etc\/kube-dns)?$/)
  assert.deepEqual(options, {
    localIps: ['169.254.20.10', '10.96.0.10'],
    linkType: 'auto',
    linkName: 'nodelocaldns',
    interception: 'auto',
    hostTraffic: true,
    rulePosition: 'insert',
    syncInterval: 60_000,
    skipTeardown: false,
    metricsAddress: '0.0.0.0:9353',
    prometheusAddress: ':9253',
    template: '/etc/coredns/Corefile.base',
    corefile: '/etc/Corefile',
    customFolder: '',
    upstreamService: 'kube-dns',
    healthPort: 8080,
    dnsPort: 53,
    reloadWithSignal: false,
    probeInterval: 1000,
    probeFailures: 3,
  })
})

test('every flag is read', () => {
  const words =
    '-localip fd00::a -link-type existing -interfacename cbr0 -interception nftables -host-traffic=false -rule-position append ' +
    '-syncinterval 5m -skipteardown -metrics-listen-address 0 -prometheus-listen-address 127.0.0.1:1 -basecorefile b -corefile c ' +
    '-kubednscm k -custom-corefiles u -upstreamsvc s -health-port 8081 -reloadwithsignal -probe-interval 500ms -probe-failures 5'
  const { options } = read(words, { conf: '', dnsPort: 5353 })
  assert.deepEqual(options, {
    localIps: ['fd00::a'],
    linkType: 'existing',
    linkName: 'cbr0',
    interception: 'nftables',
    hostTraffic: false,
    rulePosition: 'append',
    syncInterval: 300_000,
    skipTeardown: true,
    metricsAddress: '0',
    prometheusAddress: '127.0.0.1:1',
    template: 'b',
    corefile: 'c',
    kubeDnsFolder: 'k',
    customFolder: 'u',
    upstreamService: 's',
    healthPort: 8081,
    dnsPort: 5353,
    reloadWithSignal: true,
    probeInterval: 500,
    probeFailures: 5,
  })
})

test('what a removed variable leaves in -localip is no address', () => {
  for (const list of ['1.2.3.4,', ',1.2.3.4', '1.2.3.4, ,', ' 1.2.3.4 ', '1.2.3.4,1.2.3.4']) {
    const { values } = parseGoFlags([`-localip=${list}`], AGENT_FLAGS)
    assert.deepEqual(readAgentFlags(values, SERVER, () => {})?.localIps, ['1.2.3.4'])
  }
  assert.deepEqual(read('-localip 169.254.20.10,fd00::a').options?.localIps, ['169.254.20.10', 'fd00::a'])
})

test('the interval is taken as people write it, and as node-cache wanted it', () => {
  const interval = (value: string) => read(`-localip 1.2.3.4 -syncinterval ${value}`).options?.syncInterval
  assert.equal(interval('60'), 60_000)
  assert.equal(interval('60s'), 60_000)
  assert.equal(interval('1m30s'), 90_000)
  assert.equal(Math.round(interval('30ns')!), 30_000)
})

test('-setupinterface and -setupiptables turn things off, whatever else is said', () => {
  const words = '-localip 1.2.3.4 -setupinterface=false -setupiptables=0 -link-type dummy -interception iptables'
  const { options } = read(words)
  assert.deepEqual([options?.linkType, options?.interception], ['none', 'none'])
  assert.equal(read('-localip 1.2.3.4 -setupiptables=false -setupiptables').options?.interception, 'auto')
})

test('-conf comes before -corefile', () => {
  assert.equal(read('-localip 1.2.3.4 -corefile a', { conf: 'b', dnsPort: 53 }).options?.corefile, 'b')
})

test('flags of the past are taken with a warning', () => {
  const { options, warnings } = read('-localip 1.2.3.4 -intfname old -setupebtables')
  assert.equal(options?.linkName, 'old')
  assert.equal(warnings.length, 2)
})

const BAD = [
  '-localip=',
  '-localip=,',
  '-localip=1.2.3',
  '-localip=host',
  '-interfacename=sixteen-octets-x',
  '-interfacename=a/b',
  '-syncinterval=0',
  '-syncinterval=soon',
  '-syncinterval=-5s',
  '-health-port=http',
  '-health-port=65536',
  '-link-type=tap',
  '-interception=ebpf',
  '-rule-position=middle',
  '-probe-interval=1',
  '-probe-failures=0',
]
for (const word of BAD) {
  test(`${word} is wrong use`, () => {
    const name = word.slice(1, word.indexOf('='))
    const words = word.startsWith('-localip') ? word : `-localip 1.2.3.4 ${word}`
    assert.throws(
      () => read(words),
      (error) => error instanceof UsageError && error.message.includes(`-${name}`),
    )
  })
}
