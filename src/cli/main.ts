#!/usr/bin/env node
import { argv, env } from 'node:process'
import { keepCompiled } from './compile-cache.ts'

// before anything else is imported
const folder = keepCompiled()

const args = argv.slice(2)
const subcommand = await loadSubcommand(args[0])
if (subcommand) {
  process.exitCode = await subcommand(args.slice(1))
} else {
  const { readRunFlags } = await import('./run-flags.ts')
  const { WORKER_VARIABLE } = await import('../supervisor/messages.ts')
  const flags = readRunFlags(args)
  if ('exitCode' in flags) {
    process.stderr.write(flags.text)
    process.exitCode = flags.exitCode
  } else if (flags.supervise && !flags.version && !flags.plugins && env[WORKER_VARIABLE] === undefined) {
    const { becomeSupervisor } = await import('./become-supervisor.ts')
    await becomeSupervisor(args, { folder, agent: flags.agent !== undefined })
  } else {
    const { run } = await import('./run.ts')
    await run(flags, (input) =>
      import('./become-supervisor.ts').then(({ becomeSupervisor }) => becomeSupervisor(args, { folder, input })),
    )
  }
}

/** Undefined for the server itself. */
async function loadSubcommand(word: string | undefined) {
  switch (word) {
    case 'check':
      return (await import('./check.ts')).check
    case 'new':
      return (await import('./new/create-new.ts')).createNew
    case 'status':
      return (await import('./status.ts')).status
    case 'uninstall':
      return (await import('./uninstall.ts')).uninstall
    case 'health':
      return (await import('./health.ts')).health
    default:
      return undefined
  }
}
