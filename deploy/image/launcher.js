#!/nodejs/bin/node
// What /coredns and /node-cache are: the server with the flags of V8 that it was measured with, which a first line has no room for.
import { argv, env, execPath, execve } from 'node:process'

const flags = ['--max-semi-space-size=2', '--heap-growing-percent=20']
execve(execPath, [execPath, ...flags, `${import.meta.dirname}/../src/cli/main.js`, ...argv.slice(2)], env)
