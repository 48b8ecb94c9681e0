/**
 * Builds the folder that is published as the npm package: Node does not strip types below node_modules, so it holds JavaScript.
 * `npm run build` writes it to dist/; an argument names another folder.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = join(import.meta.dirname, '../..')
const dist = resolve(process.argv[2] ?? join(root, 'dist'))
const compiler = join(root, 'node_modules/typescript/bin/tsc')

rmSync(dist, { recursive: true, force: true })
execFileSync(process.execPath, [compiler, '--project', join(import.meta.dirname, 'tsconfig.json'), '--outDir', dist], {
  stdio: 'inherit',
})
for (const path of ['README.md', 'LICENSE', 'CHANGELOG.md', 'corefiles', 'src/cli/new/template'])
  cpSync(join(root, path), join(dist, path), { recursive: true })

const {
  scripts: _,
  devDependencies: __,
  allowScripts: ___,
  ...manifest
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const built = JSON.stringify(
  manifest,
  (_key, value) => (typeof value === 'string' ? value.replace(/^((\.\/)?(src|plugins)\/.*)\.ts$/, '$1.js') : value),
  2,
)
writeFileSync(join(dist, 'package.json'), `${built}\n`)
chmodSync(join(dist, manifest.bin.corelet.replace(/\.ts$/, '.js')), 0o755)
