#!/usr/bin/env node
import { argv, env } from 'node:process'
import { keepCompiled } from './compile-cache.ts'

// before anything else is imported
const folder = keepCompiled()

const args = argv.slice(2)
if (args[0] === 'check') {
  const { check } = await import('./check.ts')
  process.exitCode = await check(args.slice(1))
} else if (args[0] === 'new') {
  const { createNew } = await import('./new/create-new.ts')
  process.exitCode = createNew(args.slice(1))
} else if (args[0] === 'status') {
  const { status } = await import('./status.ts')
  process.exitCode = await status(args.slice(1))
} else if (args[0] === 'uninstall') {
  const { uninstall } = await import('./uninstall.ts')
  process.exitCode = await uninstall(args.slice(1))
} else if (args[0] === 'health') {
  const { health } = await import('./health.ts')
  process.exitCode = await health(args.slice(1))
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
