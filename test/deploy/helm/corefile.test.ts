/** Each Corefile of the chart, as the server or the agent of its pod makes it from its files and arguments, is one without errors. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { renderCorefile } from '../../../src/agent/corefile-template.ts'
import { NO_KUBE_DNS } from '../../../src/agent/kube-dns.ts'
import { readRunFlags } from '../../../src/cli/run-flags.ts'
import { loadText, showDiagnostics } from '../../kit/load.ts'
import { CASES } from './cases.ts'
import { CHART, type Resource } from './chart.ts'
import { expand, listFiles, listVariables } from './mounts.ts'
import { findServer, listWorkloads, type Workload } from './workloads.ts'

const UPSTREAM = '10.96.0.99'
/** ConfigMaps that values name and the chart has not. */
const OTHERS = {
  'coredns-custom': { 'theirs.server': 'theirs.example:53 {\n    whoami\n}\n' },
  plugins: {
    'plugin.cfg': [
      'errors',
      'reload',
      'loop',
      'bind',
      'ready',
      'health',
      'prometheus',
      'cache',
      'forward',
      'kubernetes',
      'loadbalance',
    ]
      .map((name) => `${name}:${name}\n`)
      .join(''),
  },
}
const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** What is wrong with the Corefile that a pod serves, or checks. */
async function findFaults(workload: Workload, resources: readonly Resource[]): Promise<string[]> {
  const [container = assert.fail()] = workload.pod.containers
  const variables = listVariables(container, resources, {})
  const args = container.args!.map((each) => expand(each, variables))
  const folder = mkdtempSync(join(tmpdir(), 'mounts-'))
  folders.push(folder)
  // all paths are in a folder of their own
  const move = (text: string) => text.replaceAll(/(?<![\w.])\/(etc\/corelet|run\/corelet)\b/g, `${folder}$&`)
  const files = listFiles(workload.pod, container, resources, OTHERS)
  for (const [path, text] of files) {
    mkdirSync(dirname(move(path)), { recursive: true })
    writeFileSync(move(path), move(text))
  }
  const corefile = args[0] === 'check' ? args[1]! : args[args.indexOf('-conf') + 1]!
  const text = args[0] === 'check' ? files.get(corefile) : makeCorefile(args, files)
  assert.ok(text !== undefined, `${corefile} is not among ${[...files.keys()]}`)
  return showDiagnostics(await loadText(move(text), dirname(move(corefile)), variables))
}

/** As the server reads it, or the agent makes it. */
function makeCorefile(args: readonly string[], files: ReadonlyMap<string, string>): string | undefined {
  const flags = readRunFlags(args)
  if (!('agent' in flags)) assert.fail(flags.text)
  const { agent, conf } = flags
  if (!agent) return files.get(conf)
  const template = files.get(agent.template)
  assert.ok(template !== undefined, `${agent.template} is not among ${[...files.keys()]}`)
  const custom = (ending: string) =>
    [...files.keys()].filter(
      (path) => agent.customFolder !== '' && path.startsWith(`${agent.customFolder}/`) && path.endsWith(ending),
    )
  const made = renderCorefile(agent.template, template, {
    ...agent,
    upstreamService: UPSTREAM,
    upstreamServiceName: agent.upstreamService,
    kubeDns: NO_KUBE_DNS,
    overrides: custom('.override'),
    servers: custom('.server'),
  })
  if ('diagnostic' in made) assert.fail(made.diagnostic.message)
  assert.deepEqual(made.warnings, [])
  assert.doesNotMatch(made.text, /__[A-Z_]+__|\$\(/)
  return made.text
}

describe('Corefiles have no errors, for the server and for the Job that looks at them before', () => {
  for (const [about, { values, release }] of CASES) {
    test(about, async () => {
      const { resources } = CHART.render(values, release)
      const server = findServer(resources)
      assert.deepEqual(await findFaults(server, resources), [])
      const checks = listWorkloads(resources).filter(({ pod }) => pod.containers[0]?.args?.[0] === 'check')
      assert.equal(checks.length, about.includes('no optional objects') ? 0 : 1)
      for (const check of checks) assert.deepEqual(await findFaults(check, resources), [])
    })
  }
})
