#!/usr/bin/env node
import { argv } from 'node:process'

const [command, ...args] = argv.slice(2)
if (command === 'check') {
  const { check } = await import('./check.ts')
  process.exitCode = await check(args)
} else {
  const { run } = await import('./run.ts')
  await run(argv.slice(2))
}
