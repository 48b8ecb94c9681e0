import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SocketHandle } from '../net/shared-sockets.ts'
import { SocketStore, type SocketUser } from './socket-store.ts'

/** A process that notes what it is given: `1 open`, `1 #7`. */
function createUser(): SocketUser & { given: string[] } {
  const given: string[] = []
  return { given, give: (id, handle) => void given.push(handle ? `${id} #${handle.fd}` : `${id} open`) }
}

function createHandle(fd: number): SocketHandle & { closed: boolean } {
  return {
    fd,
    closed: false,
    close() {
      this.closed = true
    },
  }
}

test('the first who asks opens, those who ask meanwhile wait for it', () => {
  const store = new SocketStore()
  const [a, b] = [createUser(), createUser()]
  store.take(a, 1, 'x')
  store.take(b, 1, 'x')
  assert.deepEqual([a.given, b.given], [['1 open'], []])
  store.keep(a, 'x', createHandle(7))
  store.take(b, 2, 'x')
  assert.deepEqual(b.given, ['1 #7', '2 #7'])
})

test('when the first one can not open it or dies, the next may try', () => {
  const store = new SocketStore()
  const [a, b, c] = [createUser(), createUser(), createUser()]
  for (const user of [a, b, c]) store.take(user, 1, 'x')
  store.forgo(a, 'x')
  assert.deepEqual([b.given, c.given], [['1 open'], []])
  store.leave(b)
  assert.deepEqual(c.given, ['1 open'])
  store.forgo(c, 'x')
  assert.deepEqual(store.names, [])
})

test('a socket is closed when its last user releases it, however often that one has taken it', () => {
  const store = new SocketStore()
  const [a, b] = [createUser(), createUser()]
  const handle = createHandle(7)
  store.take(a, 1, 'x')
  store.keep(a, 'x', handle)
  store.take(a, 2, 'x')
  store.take(b, 1, 'x')
  store.release(a, 'x')
  store.release(b, 'x')
  store.release(b, 'x')
  assert.ok(!handle.closed)
  store.release(a, 'x')
  assert.ok(handle.closed)
  assert.deepEqual(store.names, [])
})

test('a socket whose users have died is kept until nobody is expected to want it', () => {
  const store = new SocketStore()
  const [a, b] = [createUser(), createUser()]
  const [x, y] = [createHandle(7), createHandle(8)]
  for (const [name, handle] of [
    ['x', x],
    ['y', y],
  ] as const) {
    store.take(a, 1, name)
    store.keep(a, name, handle)
  }
  store.leave(a)
  store.take(b, 1, 'x')
  assert.deepEqual(b.given, ['1 #7'])
  store.sweep()
  assert.deepEqual([x.closed, y.closed, store.names], [false, true, ['x']])
})

test('nobody keeps a socket that it was not to open, or releases one that it has not', () => {
  const store = new SocketStore()
  const [a, b] = [createUser(), createUser()]
  const [x, y] = [createHandle(7), createHandle(8)]
  store.take(a, 1, 'x')
  store.keep(b, 'x', y)
  store.forgo(b, 'x')
  store.keep(a, 'x', x)
  store.release(b, 'x')
  store.release(b, 'nothing')
  assert.deepEqual([x.closed, y.closed], [false, true])
})
