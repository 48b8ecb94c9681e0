import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../kit/sources.ts'

const NOBODY = 65_534

/** Whether this process may take itself apart, and nobody may read the sources. */
function canIsolate(): boolean {
  if (process.getuid?.() !== 0) return false
  const as = [
    '--reuid',
    `${NOBODY}`,
    '--regid',
    `${NOBODY}`,
    '--clear-groups',
    'test',
    '-r',
    join(ROOT, 'package.json'),
  ]
  return spawnSync('setpriv', as).status === 0 && spawnSync('unshare', ['-n', '-m', 'true']).status === 0
}

/**
 * Runs the server on port 53 in namespaces of its own, where nothing can be written, as a user that may do what `capabilities` say, and asks it.
 * Prints the answers over UDP and TCP and what the kernel says of the process.
 */
const SCRIPT = `
  ip link set lo up
  mount --bind / / && mount -o remount,bind,ro /
  cd "$ROOT"
  printf '.:53 {\\n  whoami\\n  log\\n  health 127.0.0.1:8080\\n}\\n' |
    setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups --no-new-privs \\
      --inh-caps=-all$CAPS --ambient-caps=-all$CAPS --bounding-set=-all$CAPS \\
      "$NODE" src/cli/main.ts -conf stdin 2>&1 &
  for i in $(seq 50); do
    dig @127.0.0.1 +time=1 +tries=1 +noall +comments a.test >/dev/null 2>&1 && break
    sleep 0.1
  done
  for how in +notcp +tcp; do dig @127.0.0.1 $how +time=1 +tries=1 a.test | grep -o 'status: [A-Z]*'; done
  grep -E 'Cap(Eff|Bnd)|NoNewPrivs|^Uid' /proc/$!/status
  touch "$ROOT/written" 2>&1
  kill $!; wait $!; echo "ended with $?"
`

function isolate(capabilities: string): string {
  const env = { PATH: process.env['PATH'], ROOT, NODE: process.execPath, CAPS: capabilities }
  return execFileSync('unshare', ['-n', '-m', 'bash', '-c', SCRIPT], { encoding: 'utf8', env, timeout: 30_000 })
}

test('runs as nobody with NET_BIND_SERVICE alone, where nothing can be written', { skip: !canIsolate() }, () => {
  const output = isolate(',+net_bind_service')
  assert.equal(output.match(/status: NOERROR/g)?.length, 2, output)
  assert.match(output, /^Uid:\s+65534\s/m)
  assert.match(output, /^CapEff:\s+0{13}400$/m)
  assert.match(output, /^CapBnd:\s+0{13}400$/m)
  assert.match(output, /^NoNewPrivs:\s+1$/m)
  assert.match(output, /Read-only file system/)
  assert.match(output, /^ended with 0$/m)
})
