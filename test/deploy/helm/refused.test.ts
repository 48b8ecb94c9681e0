/** Values that the chart refuses, with a message that says which one and why. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { MINIMAL } from './cases.ts'
import { CHART, type Release, readChart } from './chart.ts'
import { createHelmChart, type HelmChart, noHelm } from './helm.ts'
import type { ValueMap } from './values.ts'

const node = (values: ValueMap): ValueMap => ({ ...MINIMAL['node-local'], ...values })

/** By the schema: Helm names the value, and so do we. */
const BY_SCHEMA: Record<string, [values: ValueMap, value: string]> = {
  'a value that does not exist': [node({ replicaCount: 2 }), '/ '],
  'one within another': [node({ image: { tagg: 'x' } }), '/image '],
  'a mode that does not exist': [{ mode: 'ipvs' }, '/mode '],
  'an address with a mask': [node({ localAddresses: ['169.254.20.10/32'] }), '/localAddresses/0 '],
  'a name in place of an address': [
    { mode: 'node-local', clusterDNS: { addresses: ['kube-dns'] } },
    '/clusterDNS/addresses/0 ',
  ],
  'one address in place of a list': [node({ localAddresses: '169.254.20.10' }), '/localAddresses '],
  'a port beyond the last': [node({ health: { port: 65536 } }), '/health/port '],
  'a port as text': [node({ metrics: { port: '9253' } }), '/metrics/port '],
  'a time without a unit': [node({ agent: { syncInterval: '60' } }), '/agent/syncInterval '],
  'a back end that does not exist': [node({ agent: { interception: 'ebpf' } }), '/agent/interception '],
  'a name of a link that is too long': [node({ link: { name: 'sixteen-letters-' } }), '/link/name '],
  'a time to live below nothing': [node({ zones: { cluster: { cache: { success: -1 } } } }), '/zones/cluster'],
  'a setting of a zone that does not exist': [node({ zones: { cluster: { ttl: 5 } } }), '/zones/cluster'],
  'a zone that breaks out of its line': [node({ zones: { 'a.example {': {} } }), '/zones '],
  'a domain that does': [node({ clusterDomain: 'cluster.local {' }), '/clusterDomain '],
  'an upstream that does': [node({ zones: { '.': { upstream: ['192.0.2.1 }'] } } }), '/zones/.'],
  'a plugin with a name that does': [node({ zones: { '.': { plugins: { 'log {': true } } } }), '/zones/.'],
  'a custom file with another ending': [node({ custom: { files: { 'a.conf': '' } } }), '/custom/files '],
  'a digest that is none': [node({ image: { digest: 'latest' } }), '/image/digest '],
  'a policy of pulling that does not exist': [node({ image: { pullPolicy: 'Sometimes' } }), '/image/pullPolicy '],
  'a name of an object that is none': [node({ upstream: { name: 'Kube_DNS' } }), '/upstream/name '],
  'labels that are not text': [node({ commonLabels: { tier: 1 } }), '/commonLabels/tier '],
  'a switch as text': [node({ check: { enabled: 'false' } }), '/check/enabled '],
  'pods below none': [{ mode: 'cluster', replicas: -1 }, '/replicas '],
  'a probe that does not exist': [node({ livenessProbe: { type: 'tcp' } }), '/livenessProbe/type '],
  'arguments that are not a list': [node({ extraArgs: '-quiet' }), '/extraArgs '],
  'a variable as text': [node({ extraEnv: ['ZONE=a'] }), '/extraEnv/0 '],
  'a type of Service that does not exist': [{ mode: 'cluster', service: { type: 'Cluster' } }, '/service/type '],
}

/** By the templates: what no schema can say. */
const BY_TEMPLATE: Record<string, [values: ValueMap, message: RegExp, release?: Partial<Release>]> = {
  'no address of the DNS': [{}, /clusterDNS\.addresses: mode node-local needs the address.*kubectl/],
  'nothing to listen on': [{ ...MINIMAL['link-local'], localAddresses: [] }, /localAddresses: mode link-local/],
  'no link': [{ ...MINIMAL['existing-link'], link: { name: 'nodelocaldns' } }, /link\.name: mode existing-link needs/],
  'a policy in another namespace than the Service': [
    MINIMAL.cilium,
    /install the release into kube-system/,
    { namespace: 'dns' },
  ],
  'plugins from two places': [
    node({ plugins: { existingConfigMap: 'a', list: 'b:b' } }),
    /plugins\.existingConfigMap.*one or the other/,
  ],
  'plugins that no list names': [
    node({ plugins: { files: { 'a.js': '' } } }),
    /plugins\.files: no plugin is used without/,
  ],
  'a label that finds the pods': [
    node({ podLabels: { 'app.kubernetes.io/name': 'dns' } }),
    /podLabels: app\.kubernetes\.io\/name is a label of the chart's own/,
  ],
  'no way past the cache': [
    node({ upstream: { create: false } }),
    /upstream: without create, name a Service or an address/,
  ],
}

const SCHEMA_SAYS = /values are not as the schema says/

describe('by the schema', () => {
  for (const [about, [values, value]] of Object.entries(BY_SCHEMA)) {
    test(about, () => {
      assert.throws(
        () => CHART.render(values),
        (error: Error) => SCHEMA_SAYS.test(error.message) && error.message.includes(value),
      )
    })
  }
})

describe('by the templates', () => {
  for (const [about, [values, message, release]] of Object.entries(BY_TEMPLATE)) {
    test(about, () => {
      assert.throws(
        () => CHART.render(values, release),
        (error: Error) => !SCHEMA_SAYS.test(error.message) && message.test(error.message),
      )
    })
  }
})

describe('by Helm, too', { skip: noHelm }, () => {
  let helm: HelmChart
  before(() => {
    helm = createHelmChart(readChart())
  })
  after(() => helm[Symbol.dispose]())
  for (const [about, [values, , release]] of Object.entries({ ...BY_SCHEMA, ...BY_TEMPLATE })) {
    test(about, () =>
      assert.throws(() => helm.render(values, release as Partial<Release> | undefined), /helm refuses it/),
    )
  }
})
