import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/kit/folder.ts'
import { atEndpoint, inCluster } from './api-server.ts'
import { fromKubeconfig } from './kubeconfig.ts'

const folder = temporaryFolder('kubeconfig')

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** A kubeconfig with one context, `main`. */
async function write(user: string, cluster = 'server: https://api.example:6443/prefix'): Promise<string> {
  const file = join(folder, 'config')
  await writeFile(
    file,
    `apiVersion: v1
kind: Config
current-context: main
contexts:
  - { name: main, context: { cluster: c, user: u } }
  - { name: broken, context: { cluster: none, user: u } }
clusters:
  - name: c
    cluster:
      ${cluster}
users:
  - name: u
    user:
      ${user}
`,
  )
  return file
}

test('users identify themselves in each of the ways', async () => {
  await writeFile(join(folder, 'token'), 'from-file\n')
  const cases: [user: string, expected: object][] = [
    ['token: secret', { authorization: 'Bearer secret' }],
    ['tokenFile: token', { authorization: 'Bearer from-file' }],
    ['{ username: ann, password: pw }', { authorization: `Basic ${base64('ann:pw')}` }],
    [`{ client-certificate-data: ${base64('CERT')}, client-key-data: ${base64('KEY')} }`, { cert: 'CERT', key: 'KEY' }],
    ['{}', {}],
  ]
  for (const [user, expected] of cases) {
    const server = await fromKubeconfig(await write(user), undefined, Date.now)
    assert.deepEqual(await server.credentials(), expected, user)
    assert.equal(server.url.href, 'https://api.example:6443/prefix')
  }
})

test('a program is asked for a token, again when it ends', async () => {
  const program = join(folder, 'give')
  await writeFile(
    program,
    `#!/bin/sh
n=$(cat ${folder}/count 2>/dev/null || echo 0); n=$((n + 1)); echo $n >${folder}/count
echo '{"status":{"token":"'$1-$EXTRA-$n'","expirationTimestamp":"2026-01-01T00:01:00Z"}}'
`,
  )
  await chmod(program, 0o755)
  const user = 'exec: { command: ./give, args: [a], env: [{ name: EXTRA, value: b }] }'
  let now = Date.parse('2026-01-01T00:00:00Z')
  const server = await fromKubeconfig(await write(user), 'main', () => now)
  assert.deepEqual(await server.credentials(), { authorization: 'Bearer a-b-1' })
  assert.deepEqual(await server.credentials(), { authorization: 'Bearer a-b-1' })
  now += 55_000
  assert.deepEqual(await server.credentials(), { authorization: 'Bearer a-b-2' })
})

test('what a cluster says of its certificate is taken', async () => {
  const data = `{ server: 'https://a', certificate-authority-data: ${base64('CA')}, tls-server-name: kube }`
  const cases: [cluster: string, expected: object][] = [
    [data, { ca: 'CA', servername: 'kube' }],
    ["{ server: 'https://a', insecure-skip-tls-verify: true }", { rejectUnauthorized: false }],
  ]
  for (const [cluster, expected] of cases) {
    const server = await fromKubeconfig(await write('{}', cluster), undefined, Date.now)
    assert.deepEqual(server.tls, expected)
  }
})

test('what is missing or not understood is said', async () => {
  const cases: [user: string, cluster: string, context: string | undefined, message: RegExp][] = [
    ['{}', '{}', undefined, /the cluster of context main has no server/],
    ['{}', '{ server: a, proxy-url: b }', undefined, /proxy-url is not supported/],
    ['{}', '{ server: "https://a" }', 'other', /no context "other" in the kubeconfig/],
    ['{}', '{ server: "https://a" }', 'broken', /no cluster "none" in the kubeconfig/],
    ['{ auth-provider: {} }', '{ server: "https://a" }', undefined, /auth-provider is not supported/],
    ['{ exec: {} }', '{ server: "https://a" }', undefined, /exec in the kubeconfig has no command/],
    ['{ client-key: none.pem }', '{ server: "https://a" }', undefined, /ENOENT.*none\.pem/],
  ]
  for (const [user, cluster, context, message] of cases) {
    await assert.rejects(fromKubeconfig(await write(user, cluster), context, Date.now), message)
  }
  await assert.rejects(fromKubeconfig(join(folder, 'missing'), undefined, Date.now), /ENOENT/)
})

test('a pod finds the API server of its cluster, and its token, which changes', async () => {
  await assert.rejects(inCluster({}, folder), /unable to load in-cluster configuration/)
  await writeFile(join(folder, 'ca.crt'), 'CA')
  await writeFile(join(folder, 'token'), 'one')
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' }
  const server = await inCluster(env, folder)
  assert.equal(server.url.href, 'https://[fd00::1]:6443/')
  assert.deepEqual(server.tls, { ca: 'CA' })
  assert.deepEqual(await server.credentials(), { authorization: 'Bearer one' })
  await writeFile(join(folder, 'token'), 'two')
  assert.deepEqual(await server.credentials(), { authorization: 'Bearer two' })
})

test('an endpoint needs no scheme, and its files must be there', async () => {
  assert.equal((await atEndpoint('192.0.2.1:8080', undefined)).url.href, 'http://192.0.2.1:8080/')
  const files = { cert: join(folder, 'none'), key: join(folder, 'none'), ca: join(folder, 'none') }
  await assert.rejects(atEndpoint('https://a', files), /ENOENT/)
})
