import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AA, RCODES } from 'corelet/plugin'
import {
  answering,
  checkDirectives,
  fakeContext,
  readText,
  startPlugin,
  startServer,
  toQuery,
} from 'corelet/plugin/testing'
import filter from './index.ts'

const TEXT = `search-filter cluster.local svc.cluster.local *.svc.cluster.local corp.example {
  external com org googleapis.com amazonaws.com internal.corp.net
  except com.corp.example
}`

async function ask(name: string, text = TEXT, parts: Parameters<typeof toQuery>[2] = {}) {
  const context = fakeContext({ plugin: 'search-filter' })
  const { askNow } = await startPlugin(filter, text, context)
  const next = answering({})
  const reply = askNow(toQuery(name, 'A', parts), next)
  return { reply, passed: next.asked.length === 1, metrics: context.metrics }
}

describe('names that are denied', () => {
  for (const name of [
    'www.google.com.cluster.local.',
    'WWW.Google.COM.svc.cluster.local.',
    'storage.googleapis.com.default.svc.cluster.local.',
    'googleapis.com.default.svc.cluster.local.',
    'a.b.c.example.org.shop.svc.cluster.local.',
    'db.internal.corp.net.corp.example.',
  ]) {
    test(name, async () => {
      const { reply, passed } = await ask(name)
      assert.deepEqual([passed, reply.rcode, reply.flags & AA], [false, RCODES.NXDOMAIN, AA])
    })
  }
})

describe('names that pass', () => {
  for (const name of [
    'www.google.com.',
    'kubernetes.default.svc.cluster.local.',
    '_https._tcp.kubernetes.default.svc.cluster.local.',
    'com.default.svc.cluster.local.',
    'web.default.svc.cluster.local.',
    'com.svc.cluster.local.',
    'com.cluster.local.',
    'googleapis.default.svc.cluster.local.',
    'xgoogleapis.net.cluster.local.',
    'cluster.local.',
    'default.svc.cluster.local.',
    'www.google.com.corp.example.',
    'notcluster.local.',
  ]) {
    test(name, async () => {
      const passes = name.startsWith('www.google.com.corp') ? 'excepted' : 'not external'
      assert.equal((await ask(name)).passed, true, passes)
    })
  }

  test('of other classes', async () => {
    assert.equal((await ask('www.google.com.cluster.local.', TEXT, { qclass: 3 })).passed, true)
  })
})

test('a service in a namespace that is called as a top-level domain is not mistaken without its zone in external', async () => {
  const text = 'search-filter *.svc.cluster.local {\nexternal org\n}'
  assert.equal((await ask('web.com.svc.cluster.local.', text)).passed, true)
})

test('the denial may be cached as long as ttl says, is explained and counted', async () => {
  const { reply, metrics } = await ask('a.com.cluster.local.', 'search-filter cluster.local {\nexternal com\nttl 7\n}')
  const [soa] = reply.authorities
  assert.deepEqual([soa!.name, soa!.type, soa!.ttl], ['cluster.local.', 'SOA', 7])
  assert.equal((soa!.data as { mname: string }).mname, 'search-filter.invalid.')
  assert.deepEqual(reply.options, [{ code: 15, data: Uint8Array.of(0, 17) }])
  assert.equal(metrics.value('corelet_search_filter_denied_requests_total', 'dns://:53', 'cluster.local.', ''), 1)
})

describe('the directive', () => {
  test('mistakes are found where they are', async () => {
    await checkDirectives(filter, [
      ['search-filter', '2:1 wrong-argument-count'],
      ['search-filter cluster.local', '2:1 search-filter/nothing-external'],
      ['search-filter . {\nexternal com\n}', '2:15 search-filter/bad-suffix'],
      ['search-filter *. {\nexternal com\n}', '2:15 search-filter/bad-suffix'],
      ['search-filter a..b {\nexternal com\n}', '2:15 search-filter/bad-suffix'],
      ['search-filter a {\nexternal\n}', '3:1 wrong-argument-count'],
      ['search-filter a {\nexternal a..b\n}', '3:10 bad-zone'],
      ['search-filter a {\nexternal com\nttl 86401\n}', '4:5 out-of-range'],
      ['search-filter a {\nexternal com\nttl x\n}', '4:5 bad-integer'],
      ['search-filter a {\nexternal com\nexcept a..b\n}', '4:8 bad-zone'],
      ['search-filter a {\nexternals com\n}', '3:1 unknown-property'],
    ])
  })
  test('takes options', async () => {
    const { options } = await readText(filter, 'search-filter A *.b {\nexternal com\nexternal org\nexcept c\nttl 0\n}')
    assert.deepEqual(options, [
      {
        suffixes: [
          { zone: 'a.', wildcards: 0 },
          { zone: 'b.', wildcards: 1 },
        ],
        external: ['com.', 'org.'],
        except: ['c.'],
        ttl: 0,
      },
    ])
  })
})

test('a client gets NXDOMAIN, and what is behind hears nothing', async () => {
  const server = await startServer('.:0 {\nsearch-filter cluster.local {\nexternal com\n}\nwhoami\n}\n')
  try {
    assert.equal((await server.query('www.google.com.cluster.local.', 'A')).rcode, RCODES.NXDOMAIN)
    assert.equal((await server.query('www.google.com.', 'A')).rcode, RCODES.NOERROR)
  } finally {
    await server.stop()
  }
})
