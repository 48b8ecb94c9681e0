/** An API server with one service, for pods that ask it as within a cluster. A program: paths of certificate and key are its arguments. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createServer } from 'node:tls'
import { NAMESPACES, namespace, SERVICES, service } from '../../../plugins/kubernetes/testing.ts'
import { FakeApi } from '../../../src/kubernetes/testing.ts'

export const API = { host: '10.1.0.1', port: 6443 } as const
export const KUBERNETES_SERVICE = '10.3.0.1'

if (import.meta.main) {
  const [cert = '', key = ''] = process.argv.slice(2)
  const api = await FakeApi.start()
  const ports = [{ name: 'https', protocol: 'TCP', port: 443 }]
  api.put(NAMESPACES, namespace('default'))
  api.put(SERVICES, service('default', 'kubernetes', { clusterIPs: [KUBERNETES_SERVICE], ports }))
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (client) => {
    const inner = connect(Number(new URL(api.url).port), '127.0.0.1')
    client.pipe(inner).pipe(client)
    for (const [one, other] of [
      [client, inner],
      [inner, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  server.listen(API.port, API.host, () => process.stdout.write('ready\n'))
}
