import { test } from 'node:test'
import { checkDirectives } from 'corelet/plugin/testing'
import https3 from './index.ts'

test('the directive is read, and mistakes are found where they are', async () => {
  await checkDirectives(https3, [
    ['https3'],
    ['https3 {\n}'],
    ['https3 {\n  max_streams 0\n}'],
    ['https3 {\n  max_streams 1000\n}'],
    ['https3 {\n  max_connections 0\n}'],
    ['https3 5', '2:8 wrong-argument-count'],
    ['https3 {\n  max_streams\n}', '3:3 wrong-argument-count'],
    ['https3 {\n  max_streams 5 6\n}', '3:17 wrong-argument-count'],
    ['https3 {\n  max_streams many\n}', '3:15 https3/not-a-number'],
    ['https3 {\n  max_streams 1.5\n}', '3:15 https3/not-a-number'],
    ['https3 {\n  max_streams -1\n}', '3:15 https3/too-low'],
    ['https3 {\n  max_streams 5\n  max_streams 6\n}', '4:3 https3/given-twice'],
    ['https3 {\n  max_streams 5\n}\nhttps3 {\n  max_streams 5\n}', '6:3 https3/given-twice'],
    ['https3 {\n  max_connections\n}', '3:3 wrong-argument-count'],
    ['https3 {\n  max_connections 5 6\n}', '3:21 wrong-argument-count'],
    ['https3 {\n  max_connections many\n}', '3:19 https3/not-a-number'],
    ['https3 {\n  max_connections -1\n}', '3:19 https3/too-low'],
    ['https3 {\n  max_connections 5\n  max_connections 6\n}', '4:3 https3/given-twice'],
    ['https3 {\n  max_speed 5\n}', '3:3 unknown-property'],
  ])
})
