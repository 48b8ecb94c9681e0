import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { HttpResponse } from '../plugin/index.ts'
import { HttpEndpoints } from './http.ts'
import { CONNECTION_LIMIT } from './http-server.ts'

const ANY_PORT = { host: '127.0.0.1', port: 0 }

const saying = (body: string) => (): HttpResponse => ({ status: 200, body })

/** A generation that is released with the test. */
function newGeneration(t: TestContext, endpoints = new HttpEndpoints()) {
  const generation = endpoints.generation()
  t.after(() => generation.release())
  return generation
}

async function get(port: number, path: string, method = 'GET', body?: string): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, path, method, agent: false, host: '127.0.0.1' }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve([response.statusCode!, text])
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Sends octets as they are; what comes back until the server closes. */
async function sendRaw(port: number, octets: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(octets)
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

test('routes answer any method at their path; what comes before the first activation waits for it', async (t) => {
  const generation = newGeneration(t)
  const { port } = await generation.serve(ANY_PORT, '/health', saying('OK'))
  assert.ok(port > 0)
  const early = get(port, '/health')
  assert.equal(await Promise.race([early, new Promise((resolve) => setTimeout(resolve, 20, 'waits'))]), 'waits')
  generation.activate()
  assert.deepEqual(await early, [200, 'OK'])
  for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PURGE', 'OPTIONS']) {
    assert.deepEqual(
      await get(port, '/health', method, method.startsWith('P') ? 'body' : undefined),
      [200, 'OK'],
      method,
    )
  }
  assert.deepEqual(await get(port, '/health', 'HEAD'), [200, ''])
  assert.deepEqual(await get(port, '/health?verbose'), [200, 'OK'])
  for (const path of ['/', '/healthz', '/health/', '/HEALTH', '/__proto__', '/%zz']) {
    assert.equal((await get(port, path))[0] >= 400, true, path)
  }
})

test('an address is served with one set of TLS settings in a generation', async (t) => {
  const endpoints = new HttpEndpoints()
  const free = newGeneration(t, endpoints)
  const { port } = await free.serve(ANY_PORT, '/health', saying('OK'))
  await free.release()
  const address = { host: '127.0.0.1', port }
  const generation = newGeneration(t, endpoints)
  await generation.serve(address, '/health', saying('OK'))
  await generation.serve(address, '/metrics', saying('0'))
  const other = { cert: '', key: '' }
  await assert.rejects(generation.serve(address, '/metrics', saying('1'), other), /served already, with other TLS/)
})

test('handlers see the request and choose status and headers', async (t) => {
  const generation = newGeneration(t)
  const { port } = await generation.serve(ANY_PORT, '/echo', async ({ method, path, headers }) => ({
    status: 503,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([method, path, headers['x-test']]),
  }))
  generation.activate()
  const response = await fetch(`http://127.0.0.1:${port}/echo?a=b`, { headers: { 'X-Test': 'yes' } })
  assert.equal(response.status, 503)
  assert.match(response.headers.get('content-type')!, /^application\/json/)
  assert.deepEqual(await response.json(), ['GET', '/echo', 'yes'])
})

test('a handler that throws costs a 500 that says nothing of the error', async (t) => {
  const generation = newGeneration(t)
  const { port } = await generation.serve(ANY_PORT, '/bad', () => {
    throw new Error('secret')
  })
  generation.activate()
  assert.deepEqual(await get(port, '/bad'), [500, '500 Internal Server Error\n'])
})

test('plugins with the same address share a server', async (t) => {
  const generation = newGeneration(t)
  const first = await generation.serve(ANY_PORT, '/a', saying('a'))
  const second = await generation.serve(ANY_PORT, '/b', saying('b'))
  generation.activate()
  assert.equal(first.port, second.port)
  assert.deepEqual(await get(first.port, '/a'), [200, 'a'])
  assert.deepEqual(await get(first.port, '/b'), [200, 'b'])
})

test('a new generation takes over without closing what it still uses', async (t) => {
  const endpoints = new HttpEndpoints()
  const old = newGeneration(t, endpoints)
  const kept = await old.serve(ANY_PORT, '/health', saying('old'))
  const leaving = await old.serve({ host: 'localhost', port: 0 }, '/ready', saying('old'))
  old.activate()
  const next = newGeneration(t, endpoints)
  assert.deepEqual(await next.serve(ANY_PORT, '/health', saying('new')), kept)
  assert.deepEqual(await get(kept.port, '/health'), [200, 'old'])
  next.activate()
  assert.deepEqual(await get(kept.port, '/health'), [200, 'new'])
  await old.release()
  await old.release()
  assert.deepEqual(await get(kept.port, '/health'), [200, 'new'])
  await assert.rejects(get(leaving.port, '/ready'), /ECONNREFUSED/)
  await next.release()
  await assert.rejects(get(kept.port, '/health'), /ECONNREFUSED/)
})

test('a generation that fails to start leaves the old one untouched', async (t) => {
  const endpoints = new HttpEndpoints()
  const old = newGeneration(t, endpoints)
  const { port } = await old.serve(ANY_PORT, '/health', saying('old'))
  old.activate()
  const failed = endpoints.generation()
  await failed.serve(ANY_PORT, '/health', saying('failed'))
  await failed.release()
  assert.deepEqual(await get(port, '/health'), [200, 'old'])
})

test('an address in use rejects, and can be tried again', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const address = { host: '127.0.0.1', port: (taken.address() as { port: number }).port }
  const generation = newGeneration(t)
  await assert.rejects(generation.serve(address, '/health', saying('OK')), /EADDRINUSE/)
  await new Promise((resolve) => taken.close(resolve))
  assert.deepEqual(await generation.serve(address, '/health', saying('OK')), address)
})

test('the same port on overlapping addresses can change hands', async (t) => {
  const endpoints = new HttpEndpoints()
  const old = newGeneration(t, endpoints)
  const { port } = await old.serve({ host: '', port: 0 }, '/health', saying('old'))
  old.activate()
  const next = newGeneration(t, endpoints)
  await next.serve({ host: '127.0.0.1', port }, '/health', saying('new'))
  next.activate()
  await old.release()
  assert.deepEqual(await get(port, '/health'), [200, 'new'])
})

test('header and body are bounded', async (t) => {
  const generation = newGeneration(t)
  const { port } = await generation.serve(ANY_PORT, '/', saying('OK'))
  generation.activate()
  const head = 'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
  assert.match(await sendRaw(port, `${head}X: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /)
  assert.match(await sendRaw(port, `${head}Content-Length: 1000000\r\n\r\n`), /^HTTP\/1\.1 413 /)
  assert.match(await sendRaw(port, 'what?\r\n\r\n'), /^HTTP\/1\.1 400 /)
  assert.deepEqual(await get(port, '/'), [200, 'OK'])
})

test('closing does not wait for a client that says nothing', async (t) => {
  const generation = newGeneration(t)
  const { port } = await generation.serve(ANY_PORT, '/', saying('OK'))
  const silent = connect(port, '127.0.0.1')
  silent.on('error', () => {})
  await new Promise((resolve) => silent.once('connect', resolve))
  silent.write('GET / HTTP/1.1\r\n')
  const closed = new Promise((resolve) => silent.once('close', resolve))
  await generation.release()
  await closed
})

test('an endpoint takes so many connections and no more, and tells of those', async (t) => {
  let refused = 0
  const generation = newGeneration(t, new HttpEndpoints(undefined, () => void refused++))
  const { port } = await generation.serve(ANY_PORT, '/health', saying('OK'))
  generation.activate()
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  const open = async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  for (let i = 0; i < CONNECTION_LIMIT; i++) await open()
  const late = await open()
  if (!late.closed) await once(late, 'close')
  assert.equal(refused, 1)
  const gone = sockets.shift()!
  gone.destroy()
  await once(gone, 'close')
  while (refused < 100 && (await get(port, '/health').catch(() => [0]))[0] !== 200);
  assert.ok(refused < 100)
})
