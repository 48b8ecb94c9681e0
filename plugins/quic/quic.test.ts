import { test } from 'node:test'
import { checkDirectives } from 'corelet/plugin/testing'
import quic from './index.ts'

test('the directive is read, and mistakes are found where they are', async () => {
  await checkDirectives(quic, [
    ['quic'],
    ['quic {\n}'],
    ['quic {\n  worker_pool_size 1\n}'],
    ['quic {\n  worker_pool_size 1000\n}'],
    ['quic {\n  max_streams 1\n}'],
    ['quic 5', '2:6 wrong-argument-count'],
    ['quic {\n  worker_pool_size\n}', '3:3 wrong-argument-count'],
    ['quic {\n  worker_pool_size 5 6\n}', '3:22 wrong-argument-count'],
    ['quic {\n  worker_pool_size many\n}', '3:20 quic/not-a-number'],
    ['quic {\n  worker_pool_size 1.5\n}', '3:20 quic/not-a-number'],
    ['quic {\n  worker_pool_size -1\n}', '3:20 quic/too-low'],
    ['quic {\n  worker_pool_size 0\n}', '3:20 quic/too-low'],
    ['quic {\n  worker_pool_size 5\n  worker_pool_size 6\n}', '4:3 quic/given-twice'],
    ['quic {\n  worker_pool_size 5\n}\nquic {\n  worker_pool_size 5\n}', '6:3 quic/given-twice'],
    ['quic {\n  max_streams\n}', '3:3 wrong-argument-count'],
    ['quic {\n  max_streams 5 6\n}', '3:17 wrong-argument-count'],
    ['quic {\n  max_streams many\n}', '3:15 quic/not-a-number'],
    ['quic {\n  max_streams 0\n}', '3:15 quic/too-low'],
    ['quic {\n  max_streams 5\n  max_streams 6\n}', '4:3 quic/given-twice'],
    ['quic {\n  max_speed 5\n}', '3:3 unknown-property'],
  ])
})
