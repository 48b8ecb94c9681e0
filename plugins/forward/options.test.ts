import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RCODES } from 'corelet/plugin'
import { readText } from 'corelet/plugin/testing'
import forward from './index.ts'
import type { ForwardOptions } from './options.ts'

async function read(text: string): Promise<ForwardOptions> {
  const { options, diagnostics } = await readText(forward, text)
  assert.deepEqual(diagnostics, [])
  assert.equal(options.length, 1)
  return options[0]!
}

const withOption = (line: string) => `forward . 127.0.0.1 {\n  ${line}\n}`

const defaults: Omit<ForwardOptions, 'destinations'> = {
  from: '.',
  fromMany: false,
  except: [],
  forceTcp: false,
  preferUdp: false,
  expire: 10_000,
  maxAge: 0,
  maxIdleConns: 0,
  readTimeout: 2000,
  maxFails: 2,
  maxConnectAttempts: undefined,
  tls: undefined,
  tlsServerName: undefined,
  dohMethod: 'POST',
  policy: 'random',
  healthCheck: { interval: 500, recursionDesired: true, domain: '.' },
  maxConcurrent: 0,
  next: new Set(),
  nextOnNodata: false,
  failfast: false,
  failover: new Set(),
  resolvers: [],
  sourceAddress: undefined,
}

describe('options of forward', () => {
  it('have defaults', async () => {
    const { destinations, ...rest } = await read('forward . 127.0.0.1')
    assert.deepEqual(rest, defaults)
    assert.equal(destinations.length, 1)
  })

  const good: [line: string, expected: Partial<ForwardOptions>][] = [
    ['except Example.org 10.0.0.0/8', { except: ['example.org.', '10.in-addr.arpa.'] }],
    ['force_tcp', { forceTcp: true }],
    ['prefer_udp', { preferUdp: true }],
    ['expire 1m', { expire: 60_000 }],
    ['expire 0s', { expire: 0 }],
    ['max_age 10s', { maxAge: 10_000 }],
    ['max_idle_conns 0', { maxIdleConns: 0 }],
    ['max_idle_conns 10', { maxIdleConns: 10 }],
    ['read_timeout 500ms', { readTimeout: 500 }],
    ['max_fails 0', { maxFails: 0 }],
    ['max_fails 4294967295', { maxFails: 4294967295 }],
    ['max_connect_attempts 0', { maxConnectAttempts: 0 }],
    ['max_connect_attempts 3', { maxConnectAttempts: 3 }],
    ['tls', { tls: {} }],
    ['tls ca.pem', { tls: { ca: 'ca.pem' } }],
    ['tls cert.pem key.pem', { tls: { cert: 'cert.pem', key: 'key.pem' } }],
    ['tls cert.pem key.pem ca.pem', { tls: { cert: 'cert.pem', key: 'key.pem', ca: 'ca.pem' } }],
    ['tls_servername dns.example', { tlsServerName: 'dns.example' }],
    ['policy random', { policy: 'random' }],
    ['policy round_robin', { policy: 'round_robin' }],
    ['policy sequential', { policy: 'sequential' }],
    ['health_check 5s', { healthCheck: { interval: 5000, recursionDesired: true, domain: '.' } }],
    [
      'health_check 0.5s domain Example.org no_rec',
      { healthCheck: { interval: 500, recursionDesired: false, domain: 'example.org.' } },
    ],
    ['max_concurrent 1000', { maxConcurrent: 1000 }],
    ['next NXDOMAIN servfail', { next: new Set([RCODES.NXDOMAIN, RCODES.SERVFAIL]) }],
    ['next NXDOMAIN\n  next REFUSED', { next: new Set([RCODES.NXDOMAIN, RCODES.REFUSED]) }],
    ['next_on_nodata', { nextOnNodata: true }],
    ['failfast_all_unhealthy_upstreams', { failfast: true }],
    ['failover ServFail REFUSED', { failover: new Set([RCODES.SERVFAIL, RCODES.REFUSED]) }],
    ['doh_method GET', { dohMethod: 'GET' }],
    ['doh_method POST', { dohMethod: 'POST' }],
    [
      'resolver 10.0.0.1 10.0.0.2:5353 2001:db8::1 [2001:db8::2]:5353',
      { resolvers: ['10.0.0.1:53', '10.0.0.2:5353', '[2001:db8::1]:53', '[2001:db8::2]:5353'] },
    ],
    ['source_address 127.0.0.2', { sourceAddress: '127.0.0.2' }],
  ]
  for (const [line, expected] of good) {
    it(`reads ${line.replace(/\s+/g, ' ')}`, async () => {
      const { destinations: _, ...rest } = await read(withOption(line))
      assert.deepEqual(rest, { ...defaults, ...expected })
    })
  }

  const bad: [line: string, code: string, column: number, message: RegExp][] = [
    ['except', 'wrong-argument-count', 3, /Wrong argument count.*'except'/],
    ['except a..b', 'bad-zone', 10, /unable to normalize 'a\.\.b'/],
    ['force_tcp yes', 'wrong-argument-count', 13, /Wrong argument count/],
    ['prefer_udp yes', 'wrong-argument-count', 14, /Wrong argument count/],
    ['expire', 'wrong-argument-count', 3, /Wrong argument count/],
    ['expire 10', 'bad-duration', 10, /time: missing unit in duration "10"/],
    ['expire -1s', 'forward/expire-negative', 10, /expire can't be negative: -1s/],
    ['max_age -1s', 'forward/max-age-negative', 11, /max_age can't be negative: -1s/],
    ['max_age 5s', 'forward/max-age-below-expire', 11, /max_age \(5s\) must not be less than expire \(10s\)/],
    ['max_idle_conns -1', 'forward/max-idle-conns-negative', 18, /max_idle_conns can't be negative/],
    ['max_idle_conns few', 'bad-integer', 18, /strconv\.Atoi: parsing "few"/],
    ['read_timeout 0s', 'forward/read-timeout-not-positive', 16, /read_timeout must be positive/],
    ['read_timeout -1s', 'forward/read-timeout-not-positive', 16, /read_timeout must be positive/],
    ['read_timeout soon', 'bad-duration', 16, /time: invalid duration "soon"/],
    ['max_fails -1', 'out-of-range', 13, /out of range/],
    ['max_fails 4294967296', 'out-of-range', 13, /out of range/],
    ['max_connect_attempts -1', 'out-of-range', 24, /out of range/],
    ['max_connect_attempts', 'wrong-argument-count', 3, /Wrong argument count/],
    ['tls a b c d', 'wrong-argument-count', 13, /Wrong argument count/],
    ['tls_servername', 'wrong-argument-count', 3, /Wrong argument count/],
    ['tls_servername a b', 'wrong-argument-count', 20, /Wrong argument count/],
    ['policy fastest', 'forward/unknown-policy', 10, /unknown policy 'fastest'/],
    ['policy', 'wrong-argument-count', 3, /Wrong argument count/],
    ['health_check', 'wrong-argument-count', 3, /Wrong argument count/],
    ['health_check -1s', 'forward/health-check-negative', 16, /health_check can't be negative/],
    ['health_check 1s rec', 'forward/health-check-option', 19, /health_check: unknown option rec/],
    ['health_check 1s domain', 'wrong-argument-count', 19, /Wrong argument count/],
    ['health_check 1s domain a..b', 'forward/health-check-domain', 26, /health_check: invalid domain name a\.\.b/],
    ['max_concurrent -1', 'forward/max-concurrent-negative', 18, /max_concurrent can't be negative/],
    ['max_concurrent many', 'bad-integer', 18, /strconv\.Atoi/],
    ['next', 'wrong-argument-count', 3, /Wrong argument count/],
    ['next NOPE', 'bad-rcode', 8, /NOPE is not a valid rcode/],
    ['next_on_nodata yes', 'wrong-argument-count', 18, /Wrong argument count/],
    ['failfast_all_unhealthy_upstreams yes', 'wrong-argument-count', 36, /Wrong argument count/],
    ['failover', 'wrong-argument-count', 3, /Wrong argument count/],
    ['failover SERVFAIL NoError', 'forward/failover-noerror', 21, /NoError cannot be used in failover/],
    ['failover NOPE', 'bad-rcode', 12, /NOPE is not a valid rcode/],
    ['doh_method PUT', 'bad-choice', 14, /PUT/],
    ['resolver', 'wrong-argument-count', 3, /Wrong argument count/],
    ['resolver dns.example', 'forward/bad-resolver', 12, /resolver must be an IP address or IP:port/],
    ['resolver 10.0.0.1:70000', 'forward/bad-resolver', 12, /resolver must be an IP address or IP:port/],
    ['source_address lo', 'bad-address', 18, /invalid IP address: lo/],
    ['source_address 127.0.0.1 ::1', 'wrong-argument-count', 28, /Wrong argument count/],
    ['forse_tcp', 'unknown-property', 3, /unknown property 'forse_tcp'/],
  ]
  for (const [line, code, column, message] of bad) {
    it(`refuses ${line}`, async () => {
      const { options, diagnostics } = await readText(forward, withOption(line))
      assert.deepEqual(options, [])
      assert.equal(diagnostics.length, 1)
      const [found] = diagnostics
      assert.deepEqual([found!.code, found!.line, found!.column], [code, 3, column])
      assert.match(found!.message, message)
    })
  }

  it('report all mistakes at once', async () => {
    const { diagnostics } = await readText(forward, 'forward a..b quic://1.1.1.1 {\n  expire 10\n  policy best\n}')
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ['bad-zone', 'forward/transport-not-supported', 'bad-duration', 'forward/unknown-policy'],
    )
  })

  it('give one instance for each directive', async () => {
    const { options } = await readText(forward, 'forward a.example 127.0.0.1\nforward b.example 127.0.0.1')
    assert.deepEqual(
      options.map(({ from }) => from),
      ['a.example.', 'b.example.'],
    )
  })
})

describe('FROM', () => {
  it('is normalised', async () => {
    assert.equal((await read('forward Example.ORG 127.0.0.1')).from, 'example.org.')
    assert.equal((await read('forward 10.1.0.0/16 127.0.0.1')).from, '1.10.in-addr.arpa.')
  })

  it('is the first zone of a network that stands for several', async () => {
    const { from, fromMany } = await read('forward 10.1.0.0/15 127.0.0.1')
    assert.deepEqual([from, fromMany], ['0.10.in-addr.arpa.', true])
  })
})

describe('TO', () => {
  const server = (transport: string, address: string, port: number, serverName?: string) => ({
    kind: 'server',
    target: { transport, address, port, ...(serverName !== undefined && { serverName }) },
  })
  const good: [text: string, expected: object][] = [
    ['10.0.0.10', server('dns', '10.0.0.10', 53)],
    ['10.0.0.10:5353', server('dns', '10.0.0.10', 5353)],
    ['dns://10.0.0.10', server('dns', '10.0.0.10', 53)],
    ['2001:db8::1', server('dns', '2001:db8::1', 53)],
    ['[2001:db8::1]', server('dns', '2001:db8::1', 53)],
    ['[2001:db8::1]:5353', server('dns', '2001:db8::1', 5353)],
    ['fe80::1%eth0', server('dns', 'fe80::1%eth0', 53)],
    ['[fe80::1%eth0]:5353', server('dns', 'fe80::1%eth0', 5353)],
    ['tls://9.9.9.9', server('tls', '9.9.9.9', 853)],
    ['TLS://9.9.9.9:8853', server('tls', '9.9.9.9', 8853)],
    ['tls://9.9.9.9%dns.quad9.net', server('tls', '9.9.9.9', 853, 'dns.quad9.net')],
    ['tls://9.9.9.9%dns.quad9.net:8853', server('tls', '9.9.9.9', 8853, 'dns.quad9.net')],
    ['tls://2620:fe::fe%dns.quad9.net', server('tls', '2620:fe::fe', 853, 'dns.quad9.net')],
    ['tls://[2620:fe::fe%dns.quad9.net]:8853', server('tls', '2620:fe::fe', 8853, 'dns.quad9.net')],
    ['tls://[2620:fe::fe]%dns.quad9.net:8853', server('tls', '2620:fe::fe', 8853, 'dns.quad9.net')],
    ['https://9.9.9.9', server('https', '9.9.9.9', 443)],
    ['https://9.9.9.9:8443', server('https', '9.9.9.9', 8443)],
    ['https://[2620:fe::fe]:8443', server('https', '2620:fe::fe', 8443)],
    ['https://dns.example', { kind: 'host', name: 'dns.example', transport: 'https', port: 443 }],
    ['/etc/resolv.conf', { kind: 'file', path: '/etc/resolv.conf', transport: 'dns' }],
    ['./resolv.conf', { kind: 'file', path: './resolv.conf', transport: 'dns' }],
    ['dns:///etc/resolv.conf', { kind: 'file', path: '/etc/resolv.conf', transport: 'dns' }],
    ['dns.example', { kind: 'host', name: 'dns.example', transport: 'dns', port: 53, path: 'dns.example' }],
    ['localhost:1053', { kind: 'host', name: 'localhost', transport: 'dns', port: 1053, path: 'localhost:1053' }],
    ['tls://dns.example', { kind: 'host', name: 'dns.example', transport: 'tls', port: 853 }],
  ]
  for (const [text, expected] of good) {
    it(`reads ${text}`, async () => {
      assert.deepEqual((await read(`forward . ${text}`)).destinations, [expected])
    })
  }

  const bad: [text: string, code: string, message: RegExp][] = [
    ['grpc://10.0.0.1', 'forward/transport-not-supported', /'grpc' is not supported as a destination protocol/],
    ['quic://10.0.0.1', 'forward/transport-not-supported', /'quic' is not supported as a destination protocol/],
    ['https://10.0.0.1/dns-query', 'forward/path-not-allowed', /paths are not allowed in HTTPS upstream addresses/],
    ['https3://10.0.0.1', 'forward/transport-not-supported', /'https3' is not supported as a destination protocol/],
    ['unix:///run/dns', 'forward/transport-not-supported', /'unix' is not supported as a destination protocol/],
    ['10.0.0.10:dns', 'forward/bad-destination', /not an IP address, file, or valid domain: "10.0.0.10:dns"/],
    ['10.0.0.10:0', 'forward/bad-destination', /not an IP address, file, or valid domain/],
    ['10.0.0.10:70000', 'forward/bad-destination', /not an IP address, file, or valid domain/],
    ['a..b', 'forward/bad-destination', /not an IP address, file, or valid domain/],
    ['-', 'forward/bad-destination', /not an IP address, file, or valid domain/],
  ]
  for (const [text, code, message] of bad) {
    it(`refuses ${text}`, async () => {
      const { diagnostics } = await readText(forward, `forward . ${text}`)
      assert.deepEqual(
        diagnostics.map(({ code, line, column }) => [code, line, column]),
        [[code, 2, 11]],
      )
      assert.match(diagnostics[0]!.message, message)
    })
  }

  it('may be fifteen', async () => {
    const list = (count: number) => Array.from({ length: count }, (_, i) => `10.0.0.${i + 1}`).join(' ')
    assert.equal((await read(`forward . ${list(15)}`)).destinations.length, 15)
    const { diagnostics } = await readText(forward, `forward . ${list(16)}`)
    assert.equal(diagnostics[0]?.code, 'forward/too-many-destinations')
    assert.equal(diagnostics[0]?.message, 'more than 15 TOs configured: 16')
  })

  it('must be there', async () => {
    for (const text of ['forward', 'forward .']) {
      const { diagnostics } = await readText(forward, text)
      assert.equal(diagnostics[0]?.code, 'wrong-argument-count')
    }
  })

  it('has one TLS name only', async () => {
    const { diagnostics } = await readText(
      forward,
      'forward . tls://9.9.9.9%a.example {\n  tls_servername b.example\n}',
    )
    assert.deepEqual(
      diagnostics.map(({ code, line, column }) => [code, line, column]),
      [['forward/two-server-names', 3, 18]],
    )
    assert.match(
      diagnostics[0]!.message,
      /both forward \('b\.example'\) and proxy level \('a\.example'\) TLS servernames/,
    )
  })
})
