import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDirectives, startPlugin } from 'corelet/plugin/testing'
import grpcServer from './index.ts'

test('the directive is read, and mistakes are found where they are', async () => {
  await checkDirectives(grpcServer, [
    ['grpc_server'],
    ['grpc_server {\n}'],
    ['grpc_server {\n  max_connections 0\n}'],
    ['grpc_server {\n  max_connections 1000\n}'],
    ['grpc_server {\n  max_streams 0\n}'],
    ['grpc_server 5', '2:13 wrong-argument-count'],
    ['grpc_server {\n  max_connections\n}', '3:3 wrong-argument-count'],
    ['grpc_server {\n  max_connections 5 6\n}', '3:21 wrong-argument-count'],
    ['grpc_server {\n  max_connections many\n}', '3:19 grpc_server/not-a-number'],
    ['grpc_server {\n  max_connections 1.5\n}', '3:19 grpc_server/not-a-number'],
    ['grpc_server {\n  max_connections -1\n}', '3:19 grpc_server/too-low'],
    ['grpc_server {\n  max_connections 5\n  max_connections 6\n}', '4:3 grpc_server/given-twice'],
    ['grpc_server {\n  max_connections 5\n}\ngrpc_server {\n  max_connections 5\n}', '6:3 grpc_server/given-twice'],
    ['grpc_server {\n  max_streams\n}', '3:3 wrong-argument-count'],
    ['grpc_server {\n  max_streams 5 6\n}', '3:17 wrong-argument-count'],
    ['grpc_server {\n  max_streams many\n}', '3:15 grpc_server/not-a-number'],
    ['grpc_server {\n  max_streams -1\n}', '3:15 grpc_server/too-low'],
    ['grpc_server {\n  max_streams 5\n  max_streams 6\n}', '4:3 grpc_server/given-twice'],
    ['grpc_server {\n  max_speed 5\n}', '3:3 unknown-property'],
  ])
})

test('the limit is the listener’s', async () => {
  const { settings } = await startPlugin(grpcServer, 'grpc_server {\n  max_connections 7\n  max_streams 8\n}')
  assert.deepEqual(settings.limits.grpc, { max_connections: 7, max_streams: 8 })
})
