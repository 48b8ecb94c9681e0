import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AD } from 'corelet/plugin'
import { toQuery } from 'corelet/plugin/testing'
import { A, AAAA, ask, NAME, records, signature } from './testing.ts'

describe('strip', () => {
  const text = 'aaaa-filter {\nstrip additional any ipv6hint\n}'
  const mx = `${NAME} 300 IN MX 10 m.org.`
  const glue = ['m.org. 300 IN A 192.0.2.1', 'm.org. 300 IN AAAA 2001:db8::1', signature('AAAA', 'm.org.')]

  test('additional: AAAA and their signatures go, all or only those beside an A', async () => {
    const more = [...glue, 'n.org. 300 IN AAAA 2001:db8::2']
    const messages = { MX: { answers: [mx], additionals: more, flags: AD } }
    const all = await ask(text, toQuery(NAME, 'MX', { dnssecOk: true }), messages)
    assert.deepEqual(records(all.reply.additionals), ['m.org. A'])
    assert.deepEqual([records(all.reply.answers), all.reply.flags & AD, all.filtered], [[`${NAME} MX`], AD, 1])
    const some = await ask('aaaa-filter {\nstrip additional\nonly_with_a\n}', toQuery(NAME, 'MX'), messages)
    assert.deepEqual(records(some.reply.additionals), ['m.org. A', 'n.org. AAAA'])
  })

  test('any: AAAA go from the answer to ANY', async () => {
    const messages = { ANY: { answers: [A, AAAA, signature('AAAA'), mx], flags: AD } }
    const { reply, filtered } = await ask(text, toQuery(NAME, 'ANY', { dnssecOk: true }), messages)
    assert.deepEqual([records(reply.answers), reply.flags & AD, filtered], [[`${NAME} A`, `${NAME} MX`], 0, 1])
  })

  test('any: what is left empty has a SOA; with only_with_a it stands', async () => {
    const messages = { ANY: { answers: [AAAA] } }
    const { reply } = await ask(text, toQuery(NAME, 'ANY'), messages)
    assert.deepEqual([reply.answers, records(reply.authorities)], [[], ['. SOA']])
    const left = await ask('aaaa-filter {\nstrip any\nonly_with_a\n}', toQuery(NAME, 'ANY'), messages)
    assert.deepEqual([records(left.reply.answers), left.filtered], [[`${NAME} AAAA`], 0])
  })

  test('ipv6hint goes from HTTPS and SVCB, from their mandatory keys too', async () => {
    for (const type of ['HTTPS', 'SVCB']) {
      const messages = {
        [type]: {
          answers: [
            `${NAME} 300 IN ${type} 1 . alpn=h2 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1`,
            `${NAME} 300 IN ${type} 2 . mandatory=alpn,ipv6hint alpn=h3 ipv6hint=2001:db8::1`,
            `${NAME} 300 IN ${type} 3 . mandatory=ipv6hint ipv6hint=2001:db8::1`,
          ],
          flags: AD,
        },
      }
      const { reply, filtered } = await ask(text, toQuery(NAME, type), messages)
      assert.deepEqual(
        reply.answers.map(({ data }) => (data as { params: object }).params),
        [{ alpn: ['h2'], ipv4hint: ['192.0.2.1'] }, { mandatory: ['alpn'], alpn: ['h3'] }, {}],
      )
      assert.deepEqual([reply.flags & AD, filtered], [0, 1])
    }
  })

  test('ipv6hint of a signed answer stays for a client that sets DO', async () => {
    const messages = { HTTPS: { answers: [`${NAME} 300 IN HTTPS 1 . ipv6hint=2001:db8::1`, signature('HTTPS')] } }
    const query = () => toQuery(NAME, 'HTTPS', { dnssecOk: true })
    const left = await ask(text, query(), messages)
    assert.deepEqual([left.filtered, left.reply.plugin], [0, 'upstream'])
    const broken = await ask('aaaa-filter {\nstrip ipv6hint\nbreak_dnssec\n}', query(), messages)
    assert.equal(broken.filtered, 1)
  })

  test('what has no trace passes as the same object, and without the option all does', async () => {
    const clean = { MX: { answers: [mx], additionals: [glue[0]!] }, HTTPS: { answers: [`${NAME} 300 IN HTTPS 1 .`] } }
    for (const type of ['MX', 'HTTPS', 'A', 'ANY']) {
      assert.equal((await ask(text, toQuery(NAME, type), clean)).filtered, 0)
    }
    const dirty = { MX: { answers: [mx], additionals: glue } }
    const { reply } = await ask('aaaa-filter', toQuery(NAME, 'MX'), dirty)
    assert.equal(reply.additionals.length, 3)
  })
})
