import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EdnsOption, Query } from 'corelet/plugin'
import { startPlugin, toQuery, toReply } from 'corelet/plugin/testing'
import rewrite from './index.ts'
import { run } from './testing.ts'

describe('edns0', () => {
  const hex = (options: readonly EdnsOption[]) =>
    options.map(({ code, data }) => `${code}=${Buffer.from(data).toString('hex')}`)
  const sent = async (rules: string | string[], ...question: Parameters<typeof run>[1]) =>
    hex((await run(rules, question)).query.options)
  /** A query that has the local option 65518 already. */
  const having = async (rule: string, options = [{ code: 0xffee, data: Uint8Array.of(1) }]) => {
    const { ask } = await startPlugin(rewrite, `rewrite ${rule}`)
    let seen: Query | undefined
    await ask(toQuery('a.example.').with({ edns: { udpSize: 1232, flags: 0, options } }), (query) => {
      seen = query
      return toReply(query, {})
    })
    return hex(seen!.options)
  }

  test('local options are set from text, octets and numbers', async () => {
    assert.deepEqual(await sent('edns0 local set 0xffee abc', 'a.example.'), ['65518=616263'])
    assert.deepEqual(await sent('edns0 local set 65518 0x616263', 'a.example.'), ['65518=616263'])
    assert.deepEqual(await sent('edns0 local append 0177756 x', 'a.example.'), ['65518=78'])
    assert.deepEqual(await sent('edns0 local replace 0xffee abc', 'a.example.'), [])
    assert.deepEqual(await sent('edns0 local unset 0xffee', 'a.example.'), [])
  })

  test('an OPT is made where there is none', async () => {
    const { query } = await run('edns0 local set 0xffee abc', ['a.example.'])
    assert.deepEqual([query.udpSize, query.ednsFlags], [4096, 0])
    const { query: kept } = await run('edns0 local set 0xffee abc', ['a.example.', 'A', { dnssecOk: true }])
    assert.deepEqual([kept.udpSize, kept.ednsFlags], [1232, 0x8000])
  })

  test('an option that is there is replaced, doubled or removed', async () => {
    assert.deepEqual(await having('edns0 local set 0xffee 0x02'), ['65518=02'])
    assert.deepEqual(await having('edns0 local replace 0xffee 0x02'), ['65518=02'])
    assert.deepEqual(await having('edns0 local append 0xffee 0x02'), ['65518=01', '65518=02'])
    assert.deepEqual(await having('edns0 local append 0xffee {qtype}'), ['65518=01'])
    assert.deepEqual(await having('edns0 local unset 0xffee'), [])
    const nsid = [{ code: 3, data: Uint8Array.of(1) }]
    assert.deepEqual(await having('edns0 nsid append', nsid), ['3=01', '3='])
    assert.deepEqual(await having('edns0 nsid unset', nsid), [])
    const subnet = [{ code: 8, data: Uint8Array.of(0, 1, 0, 0) }]
    assert.deepEqual(await having('edns0 subnet append 24 56', subnet), ['8=00010000'])
    assert.deepEqual(await having('edns0 subnet replace 24 56', subnet), ['8=00011800c00002'])
    assert.deepEqual(await having('edns0 subnet unset', subnet), [])
  })

  test('variables are filled in', async () => {
    const value = async (name: string, ...question: Parameters<typeof run>[1]) =>
      (await sent(`edns0 local set 1 {${name}}`, ...question))[0]?.slice(2)
    assert.equal(await value('qname', 'A.example.'), Buffer.from('A.example.').toString('hex'))
    assert.equal(await value('qtype', 'a.example.', 'AAAA'), '001c')
    assert.equal(await value('client_ip', 'a.example.'), 'c0000235')
    const client = { address: '2001:db8::1', port: 5353 }
    assert.equal(await value('client_ip', 'a.example.', 'A', { client }), '20010db8000000000000000000000001')
    assert.equal(await value('client_port', 'a.example.', 'A', { client }), '14e9')
    assert.equal(await value('server_ip', 'a.example.'), '7f000001')
    assert.equal(await value('server_port', 'a.example.'), '0035')
    assert.equal(await value('protocol', 'a.example.', 'A', { proto: 'tcp' }), Buffer.from('tcp').toString('hex'))
    assert.equal(await value('none/such', 'a.example.'), undefined, 'metadata that is not there')
  })

  test('metadata is a variable', async () => {
    const { ask } = await startPlugin(rewrite, 'rewrite edns0 local set 1 {kubernetes/client-namespace}')
    const query = toQuery('a.example.')
    query.setMetadata('kubernetes/client-namespace', () => 'shop')
    let options: readonly EdnsOption[] = []
    await ask(query, (asked) => {
      options = asked.options
      return toReply(asked, {})
    })
    assert.deepEqual(hex(options), [`1=${Buffer.from('shop').toString('hex')}`])
  })

  test('nsid is asked for, the subnet told', async () => {
    assert.deepEqual(await sent('edns0 nsid set', 'a.example.'), ['3='])
    assert.deepEqual(await sent('edns0 subnet set 24 56', 'a.example.'), ['8=00011800c00002'])
    assert.deepEqual(await sent('edns0 subnet set 20 56', 'a.example.'), ['8=00011400c00000'])
    const client = { address: '2001:db8:1:2ff::1', port: 1 }
    assert.deepEqual(await sent('edns0 subnet set 24 60', 'a.example.', 'A', { client }), [
      '8=00023c0020010db8000102f0',
    ])
  })

  test('several rules work together with continue', async () => {
    const rules = ['continue edns0 local set 1 a', 'edns0 local set 2 b', 'edns0 local set 3 c']
    assert.deepEqual(await sent(rules, 'a.example.'), ['1=61', '2=62'])
  })

  test('revert takes options out of the reply, or gives the old value back', async () => {
    const message = { options: [{ code: 0xffee, data: Uint8Array.of(2) }] }
    const options = async (rule: string) =>
      (await run(rule, ['a.example.', 'A', { dnssecOk: true }], message)).reply.options
    assert.deepEqual(hex(await options('edns0 local set 0xffee 0x02 revert')), [])
    assert.deepEqual(hex(await options('edns0 local set 0xffee 0x02')), ['65518=02'])
    const { ask } = await startPlugin(rewrite, 'rewrite edns0 local set 0xffee 0x02 revert')
    const query = toQuery('a.example.').with({
      edns: { udpSize: 1232, flags: 0, options: [{ code: 0xffee, data: Uint8Array.of(1) }] },
    })
    assert.deepEqual(hex((await ask(query, (asked) => toReply(asked, message))).options), ['65518=01'])
  })
})
