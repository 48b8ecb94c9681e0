#!/usr/bin/env node
// `npm create corelet-plugin NAME` is `corelet new plugin NAME` where corelet is not installed yet.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const manifest = new URL(import.meta.resolve('corelet/package.json'))
const { bin } = JSON.parse(readFileSync(manifest, 'utf8'))
const corelet = fileURLToPath(new URL(bin.corelet, manifest))
const { status } = spawnSync(process.execPath, [corelet, 'new', 'plugin', ...process.argv.slice(2)], {
  stdio: 'inherit',
})
process.exitCode = status ?? 1
