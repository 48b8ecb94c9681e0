import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDirectives, startPlugin } from 'corelet/plugin/testing'
import https from './index.ts'

test('the directive is read, and mistakes are found where they are', async () => {
  await checkDirectives(https, [
    ['https'],
    ['https {\n}'],
    ['https {\n  max_connections 0\n}'],
    ['https {\n  max_connections 1000\n}'],
    ['https 5', '2:7 wrong-argument-count'],
    ['https {\n  max_connections\n}', '3:3 wrong-argument-count'],
    ['https {\n  max_connections 5 6\n}', '3:21 wrong-argument-count'],
    ['https {\n  max_connections many\n}', '3:19 https/not-a-number'],
    ['https {\n  max_connections 1.5\n}', '3:19 https/not-a-number'],
    ['https {\n  max_connections -1\n}', '3:19 https/too-low'],
    ['https {\n  max_connections 5\n  max_connections 6\n}', '4:3 https/given-twice'],
    ['https {\n  max_connections 5\n}\nhttps {\n  max_connections 5\n}', '6:3 https/given-twice'],
    ['https {\n  max_speed 5\n}', '3:3 unknown-property'],
  ])
})

test('the limit is the listener’s', async () => {
  const { settings } = await startPlugin(https, 'https {\n  max_connections 7\n}')
  assert.deepEqual(settings.limits.https, { max_connections: 7 })
})
