/**
 * Builds the server for an image: few files without types, so that it starts sooner and in less memory. A plugin is a file of its own,
 * read when a Corefile uses it; koffi is machine code and stays a package. Plugins of others import `corelet/plugin` from it as from the
 * npm package.
 *
 * npm run bundle [-- FOLDER]     bundle/ when left out
 */
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '../..')
const out = resolve(process.argv[2] ?? join(root, 'bundle'))

rmSync(out, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts', 'src/cli/supervise.ts', 'src/plugin/index.ts'],
  outbase: root,
  outdir: out,
  chunkNames: 'src/cli/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  external: ['koffi'],
  // Packages in CommonJS ask for Node's own modules with `require`.
  banner: {
    js: "import{createRequire as $createRequire}from'node:module';const require=$createRequire(import.meta.url);",
  },
  logLevel: 'warning',
})

for (const path of ['LICENSE', 'corefiles']) cpSync(join(root, path), join(out, path), { recursive: true })
cpSync(join(root, 'src/cli/new/template'), join(out, 'src/cli/template'), { recursive: true })
for (const name of ['koffi', '@koromix']) copyPackage(name)
const { name, version, license, type, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const manifest = {
  ...{ name, version, license, type, engines },
  bin: { corelet: 'src/cli/main.js' },
  exports: {
    './plugin': './src/plugin/index.js',
    './package.json': './package.json',
  },
}
writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
chmodSync(join(out, manifest.bin.corelet), 0o755)

/** What runs of an optional package; without it the server uses Node's own sockets. */
function copyPackage(name: string): void {
  const to = join(out, 'node_modules', name)
  mkdirSync(to, { recursive: true })
  try {
    cpSync(join(root, 'node_modules', name), to, {
      recursive: true,
      filter: (path) =>
        statSync(path).isDirectory() ? !/\/(doc|lib|vendor)$/.test(path) : /\.(c?js|json|node)$|LICENSE/.test(path),
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    rmSync(to, { recursive: true })
  }
}
