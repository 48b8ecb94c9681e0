/** A network that loses, refuses, or takes no more: a server in a network of its own, whose rules and queues are made to fail. Needs root. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { after, before, beforeEach, describe, it } from 'node:test'
import { exchange } from 'corelet/plugin/testing'
import { toPacket } from '../../src/server/testing.ts'
import { until } from '../kit/agent.ts'
import { canMakeNetns, createNetns, type Netns } from '../kit/netns.ts'
import { residentMemory } from '../kit/proc.ts'
import { type Cli, killLeftovers, serveCli } from '../kit/process.ts'
import { readMessage } from './oracle.ts'
import { TRANSPORTS } from './transports.ts'

after(killLeftovers)

const NAMES = 100
/** Octets of answers that nobody can take: more than the socket and the process may hold. */
const FLOOD = 12_000
const BURST = 100
/** MiB that they may cost: what the process may keep for the network, and the work. */
const GROWTH = 32

/** Upstreams, on the loopback of the server's network. */
const FIRST = '127.0.0.2'
const SECOND = '127.0.0.3'

interface Rig {
  network: Netns
  server: Cli
  /** The server's address. */
  address: string
  remove(): Promise<void>
}

async function startRig(env: Record<string, string>): Promise<Rig> {
  const network = createNetns('faults')
  // addresses for measurements (RFC 2544), and a name of a link that no other run has
  const subnet = `198.18.${randomInt(256)}.${4 * randomInt(64)}`.split('.').map(Number)
  const [outside, address] = [1, 2].map((host) => [...subnet.slice(0, 3), subnet[3]! + host].join('.')) as [
    string,
    string,
  ]
  const link = network.name.replace('corelet-faults-', 'faults')
  execFileSync('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', network.name])
  execFileSync('ip', ['addr', 'add', `${outside}/30`, 'dev', link])
  execFileSync('ip', ['link', 'set', link, 'up'])
  network.feed(`addr add ${address}/30 dev eth0\nlink set eth0 up\n`, 'ip', '-batch', '-')
  const block = (port: number, upstreams: string) =>
    `.:${port} {\n bind ${address}\n errors\n cache\n prometheus ${address}:9153\n forward . ${upstreams} {\n policy sequential\n max_fails 0\n read_timeout 200ms\n max_connect_attempts 0\n }\n}\n`
  const corefile = [
    block(53, `${FIRST}:5300 ${SECOND}:5300`),
    block(54, `192.0.2.1:5300 ${SECOND}:5300`),
    `.:55 {\n bind ${address}\n hosts {\n${Array.from({ length: 60 }, (_, i) => `  192.0.2.${i} big.test\n`).join('')} }\n}\n`,
    `.:5300 {\n bind ${FIRST} ${SECOND}\n whoami\n}\n`,
  ].join('')
  const inside = ['ip', 'netns', 'exec', network.name]
  const server = await serveCli(['-conf', 'stdin'], { input: corefile, env, inside })
  return {
    network,
    server,
    address,
    async remove() {
      server.kill('SIGTERM')
      await server.ended
      network.remove()
    },
  }
}

for (const { name: backEnd, env } of TRANSPORTS.filter(({ stream }) => !stream)) {
  describe(`over ${backEnd}`, { skip: !canMakeNetns, concurrency: false }, () => {
    let rig: Rig
    before(async () => {
      rig = await startRig(env)
    })
    after(() => rig?.remove())
    beforeEach(() => rig.network.run('nft', 'flush', 'ruleset'))

    const rule = (hook: 'input' | 'output', text: string) =>
      rig.network.feed(
        `table inet faults {\n chain one {\n type filter hook ${hook} priority 0\n ${text}\n }\n}\n`,
        'nft',
        '-f',
        '-',
      )
    let asked = 0
    /** Asks for names that nobody has asked for. @returns rcodes */
    const askAll = (port = 53) =>
      Promise.all(
        Array.from({ length: NAMES }, async () => {
          const answer = await exchange({ address: rig.address, port }, toPacket(`name-${asked++}.test`))
          return readMessage(answer).rcode
        }),
      )
    const allGood = new Array(NAMES).fill(0)
    const metric = async (name: string) => {
      const text = await (await fetch(`http://${rig.address}:9153/metrics`)).text()
      return [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\S+)$`, 'gm'))].reduce(
        (sum, [, value]) => sum + Number(value),
        0,
      )
    }

    it('three of ten datagrams to upstreams are lost: all queries are answered', async () => {
      rule('input', 'udp dport 5300 numgen random mod 100 < 30 drop')
      assert.deepEqual(await askAll(), allGood)
    })

    it('three of ten answers of upstreams are lost: all queries are answered', async () => {
      rule('input', 'udp sport 5300 numgen random mod 100 < 30 drop')
      assert.deepEqual(await askAll(), allGood)
    })

    it('an upstream is rejected by ICMP: the next one answers', async () => {
      rule('input', `ip daddr ${FIRST} udp dport 5300 reject`)
      assert.deepEqual(await askAll(), allGood)
    })

    it('queries to an upstream are not permitted (EPERM): the next one answers', async () => {
      rule('output', `ip daddr ${FIRST} udp dport 5300 drop`)
      assert.deepEqual(await askAll(), allGood)
    })

    it('no way leads to an upstream (ENETUNREACH): the next one answers', async () => {
      assert.deepEqual(await askAll(54), allGood)
    })

    it('no upstream can be reached: SERVFAIL, and all is well when it can', async () => {
      rule('output', 'udp dport 5300 drop')
      assert.deepEqual(await askAll(), new Array(NAMES).fill(2))
      rig.network.run('nft', 'flush', 'ruleset')
      assert.deepEqual(await askAll(), allGood)
    })

    it('answers to a client are not permitted (EPERM): others get theirs', async () => {
      const unsent = await metric('corelet_unsent_answers_total')
      rule('output', 'udp sport 55 drop')
      const refused = exchange({ address: rig.address, port: 55 }, toPacket('big.test'), 'udp', 500)
      await assert.rejects(refused, /no answer/)
      assert.deepEqual(await askAll(), allGood)
      assert.ok((await metric('corelet_unsent_answers_total')) > unsent)
    })

    it('the network takes no more (EAGAIN): a bounded number of answers waits, the others are lost', async () => {
      const big = toPacket('big.test', { edns: { udpSize: 1232 } })
      const { network, server, address } = rig
      await exchange({ address, port: 55 }, big)
      const before = residentMemory(server.pid)
      network.run('tc', ...'qdisc add dev eth0 root tbf rate 64kbit burst 3000 limit 100mb'.split(' '))
      await flood(big, address, server.pid)
      const grown = residentMemory(server.pid) - before
      network.run('tc', 'qdisc', 'del', 'dev', 'eth0', 'root')
      // what waits must go before there is room for another answer
      const isServed = () => exchange({ address, port: 55 }, big, 'udp', 500).then(Boolean, () => false)
      await until(isServed, 'an answer')
      assert.ok(grown < GROWTH, `${grown} MiB more`)
      assert.ok((await metric('corelet_unsent_answers_total')) > 0, 'some were lost, and counted')
    })
  })
}

/** Sends a query to port 55 again and again, and waits until all of them were read. */
async function flood(packet: Uint8Array, address: string, pid: number): Promise<void> {
  const isRead = () => / *\S+ [0-9A-F]+:0037 \S+ \S+ \S+:0{8} /.test(readFileSync(`/proc/${pid}/net/udp`, 'latin1'))
  const socket = createSocket('udp4')
  for (let i = 0; i < FLOOD; i += BURST) {
    for (let k = 1; k < BURST; k++) socket.send(packet, 55, address)
    await new Promise((resolve) => socket.send(packet, 55, address, resolve))
    await until(isRead, 'an empty socket')
  }
  socket.close()
}
