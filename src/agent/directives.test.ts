import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listUpstreams, usesDirective } from './directives.ts'

test('upstreams are what stands behind the zone of forward', () => {
  const corefile = `a:53 {
  forward . 10.96.0.20 {
    force_tcp
  }
}
. {
  forward a.example 10.96.0.20 tls://9.9.9.9
  rewrite name forward b
  forward . /etc/resolv.conf # forward
}
`
  assert.deepEqual(listUpstreams(corefile), ['10.96.0.20', 'tls://9.9.9.9', '/etc/resolv.conf'])
  assert.deepEqual(listUpstreams(''), [])
  assert.equal(usesDirective(corefile, 'force_tcp'), true)
  assert.equal(usesDirective(corefile, 'rewrite'), true)
  assert.equal(usesDirective(corefile, 'name'), false)
})
