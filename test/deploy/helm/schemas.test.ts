import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Resource } from './chart.ts'
import { findMistakes } from './schemas.ts'

const container = { name: 'a', image: 'a:1' }
const pod = (of: object, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', labels: { any: 'label' } },
  spec: { containers: [{ ...container, ...of }], ...more },
})

const MISTAKES: Record<string, [resource: object, mistake: RegExp]> = {
  'a field that does not exist': [
    pod({ livenesProbe: {} }),
    /^\/spec\/containers\/0\/livenesProbe is not in the schema$/,
  ],
  'one deep within': [pod({ securityContext: { capabilities: { dropp: [] } } }), /capabilities\/dropp is not/],
  'one at the top': [{ ...pod({}), spek: 1 }, /^\/spek is not/],
  'one in metadata': [{ ...pod({}), metadata: { name: 'a', label: {} } }, /^\/metadata\/label is not/],
  'a number where text is needed': [pod({ env: [{ name: 'A', value: 5 }] }), /env\/0\/value.*string/],
  'a word that is none of those': [pod({ ports: [{ containerPort: 53, protocol: 'udp' }] }), /protocol/],
  'a field that is needed': [pod({}, { containers: [{ image: 'a:1' }] }), /name/],
  'a kind without a schema': [{ apiVersion: 'v2', kind: 'Pod' }, /no schema for v2 Pod/],
  'in a custom resource': [
    {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PodMonitor',
      metadata: { name: 'a' },
      spec: { selector: {}, podMetricsEndpoints: [{ port: 'a', intervall: '1m' }] },
    },
    /\/spec\/podMetricsEndpoints\/0\/intervall is not/,
  ],
  'in that of Cilium': [
    {
      apiVersion: 'cilium.io/v2',
      kind: 'CiliumLocalRedirectPolicy',
      metadata: { name: 'a' },
      spec: {
        redirectFrontend: {
          serviceMatcher: { serviceName: 'a', namespace: 'b', toPorts: [{ port: '53', protocol: 'UDP', nam: 'c' }] },
        },
        redirectBackend: { localEndpointSelector: {}, toPorts: [{ port: '53', protocol: 'UDP', name: 'c' }] },
      },
    },
    /toPorts\/0\/nam is not/,
  ],
}

for (const [about, [resource, mistake]] of Object.entries(MISTAKES)) {
  test(`it is found: ${about}`, () => {
    const found = findMistakes(resource as Resource)
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0]!, mistake)
  })
}

test('nothing is wrong with what is right', () => {
  const probe = { httpGet: { path: '/', port: 'named' }, periodSeconds: 1 }
  const resources = { requests: { cpu: '25m', memory: '64Mi' }, limits: { cpu: 1 } }
  const right = pod(
    { livenessProbe: probe, resources },
    { volumes: [{ name: 'a', configMap: { name: 'b', optional: true } }] },
  )
  assert.deepEqual(findMistakes(right as Resource), [])
})
