/**
 * Lays out the files of an image below a folder; the Dockerfile copies that folder onto its base as it is.
 *
 * node deploy/image/assemble.ts [--node] [--base] FOLDER
 *
 * --node  with the programs that the agent of a node runs: ip, nft, iptables of both kinds
 * --base  with what the base image brings along, too: Node.js, its libraries, users, certificates. A tree like that runs with chroot.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** Paths that manifests written for CoreDNS and node-cache name, and that of a shell. */
const COMMANDS = ['coredns', 'node-cache', 'usr/bin/corelet']
/** The kinds of iptables, by the program that is all of them under several names. */
const IPTABLES = { nft: 'xtables-nft-multi', legacy: 'xtables-legacy-multi' }
const NOBODY = 65_532

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { node: { type: 'boolean', default: false }, base: { type: 'boolean', default: false } },
})
const [folder] = positionals
if (folder === undefined) throw new Error('a FOLDER is needed')
const out = resolve(folder)
const repository = join(import.meta.dirname, '../..')

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
if (values.base) addBase()
addServer()
if (values.node) addTools()

function addServer(): void {
  execFileSync(process.execPath, [join(repository, 'deploy/bundle/build.ts'), join(out, 'corelet')], {
    stdio: 'inherit',
  })
  const launcher = join(out, 'corelet/bin/corelet.js')
  mkdirSync(dirname(launcher))
  copyFileSync(join(import.meta.dirname, 'launcher.js'), launcher)
  chmodSync(launcher, 0o755)
  for (const command of COMMANDS) link('/corelet/bin/corelet.js', command)
}

/** Programs with their libraries. What Node.js needs itself is in the base. */
function addTools(): void {
  const inBase = new Set(librariesOf(process.execPath))
  const add = (path: string) => {
    copy(path)
    for (const library of librariesOf(path)) if (!inBase.has(library)) copy(library)
  }
  add(find('ip'))
  add(find('nft'))
  for (const [kind, program] of Object.entries(IPTABLES)) {
    const path = find(program)
    add(path)
    for (const family of ['iptables', 'ip6tables']) {
      for (const action of ['', '-save', '-restore'])
        link(basename(path), join(dirname(path), `${family}-${kind}${action}`))
    }
  }
  // a program that asks for neither kind gets the one that the kernel prefers
  for (const name of [
    'iptables',
    'iptables-save',
    'iptables-restore',
    'ip6tables',
    'ip6tables-save',
    'ip6tables-restore',
  ])
    link(IPTABLES.nft, join(dirname(find(IPTABLES.nft)), name))
  addExtensions()
  // nft, which reads commands as at a terminal, says more than it should where it knows no terminal at all
  write('etc/terminfo/d/dumb', readFileSync('/usr/lib/terminfo/d/dumb'))
}

/** Matches and targets of iptables, all of them: rules of others are read, too. Those of bridges and ARP are not. */
function addExtensions(): void {
  const triplet = dirname(librariesOf(find('nft'))[0]!)
  const extensions = join(triplet, 'xtables')
  for (const name of readdirSync(extensions)) if (/^lib(xt|ipt|ip6t)_/.test(name)) copy(join(extensions, name))
}

/** What gcr.io/distroless/nodejs24-debian13 has, as far as the server uses it. */
function addBase(): void {
  for (const name of ['lib', 'lib64', 'bin', 'sbin']) {
    mkdirSync(join(out, 'usr', name), { recursive: true })
    symlinkSync(`usr/${name}`, join(out, name))
  }
  for (const name of ['dev', 'proc', 'sys', 'run', 'etc/coredns']) mkdirSync(join(out, name), { recursive: true })
  mkdirSync(join(out, 'tmp'), { mode: 0o1777 })
  write(
    'etc/passwd',
    `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${NOBODY}:${NOBODY}:nonroot:/home/nonroot:/sbin/nologin\n`,
  )
  write('etc/group', `root:x:0:\nnonroot:x:${NOBODY}:\n`)
  write('etc/nsswitch.conf', 'hosts: files dns\n')
  copy('/etc/ssl/certs/ca-certificates.crt')
  mkdirSync(join(out, 'nodejs/bin'), { recursive: true })
  copyFileSync(process.execPath, join(out, 'nodejs/bin/node'))
  for (const library of librariesOf(process.execPath)) copy(library)
}

/** Where the shared libraries and the loader of a program are. */
function librariesOf(program: string): string[] {
  const lines = execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n')
  const paths = lines.flatMap((line) => /(?:=> |^\s*)(\/\S+)/.exec(line)?.[1] ?? [])
  // by their folder's real name: /lib may be a link, which the image's own /lib must not be replaced for
  return paths.map((path) => join(realpathSync(dirname(path)), basename(path)))
}

function find(program: string): string {
  const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']
  const path = folders.map((each) => join(each, program)).find(existsSync)
  if (path === undefined) throw new Error(`${program} is not installed`)
  return path
}

/** Copies a file of the machine to the same path; links become what they lead to. */
function copy(path: string): void {
  const to = join(out, path)
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(path, to)
}

function link(target: string, path: string): void {
  mkdirSync(dirname(join(out, path)), { recursive: true })
  symlinkSync(target, join(out, path))
}

function write(path: string, text: string | Buffer): void {
  mkdirSync(dirname(join(out, path)), { recursive: true })
  writeFileSync(join(out, path), text)
}
