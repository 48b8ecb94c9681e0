import { once } from 'node:events'
import { join } from 'node:path'
import type { Netns } from '../kit/netns.ts'
import type { ClientOptions, ClientReport } from './client.ts'

const PROGRAM = join(import.meta.dirname, 'client.ts')

/** A client that asks from now on. */
export interface Client {
  /** It asks no more. @returns what became of all its queries, when the last ones have had their time */
  stop(): Promise<ClientReport>
}

/** Starts a client in a network, as a process of its own. @throws (rejects) Error */
export async function startClient(netns: Netns, options: ClientOptions): Promise<Client> {
  const child = netns.start(process.execPath, [PROGRAM, JSON.stringify(options)])
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  let output = ''
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  const ended = once(child, 'close').then(() => process.off('exit', kill))
  await Promise.race([once(child.stdout, 'data'), ended])
  if (!output.startsWith('begun')) throw new Error(`a client did not begin: ${errors}`)
  return {
    async stop() {
      child.stdin.end()
      await ended
      const [, report] = output.split('\n')
      if (!report) throw new Error(`a client has nothing to tell: ${errors}`)
      return JSON.parse(report) as ClientReport
    },
  }
}
