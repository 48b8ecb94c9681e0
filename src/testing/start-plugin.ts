import { RCODES } from '../dns/constants.ts'
import type { Next } from '../plugin/chain.ts'
import { isPending } from '../plugin/chain.ts'
import type { BlockSettings } from '../plugin/context.ts'
import type { AnyPlugin, Running } from '../plugin/define.ts'
import type { Query } from '../plugin/query.ts'
import type { Reply } from '../plugin/reply.ts'
import { readText } from './directives.ts'
import { type FakeContext, fakeContext } from './fake-context.ts'

/** A plugin that runs in a fake context. */
export interface Started<Options> {
  options: Options
  running: Running
  settings: BlockSettings
  context: FakeContext
  /** Asks the handler. */
  ask(query: Query, next?: NextLike): Promise<Reply>
  /** Asks the handler and fails when it makes a promise. */
  askNow(query: Query, next?: NextLike): Reply
}

export type NextLike = (query: Query) => Reply | Promise<Reply>

/** Reads, configures and starts a plugin from the text of one directive. @throws Error that lists diagnostics */
export async function startPlugin<Options>(
  plugin: AnyPlugin<Options>,
  text: string,
  context: FakeContext = fakeContext({ plugin: plugin.name }),
): Promise<Started<Options>> {
  const { options, diagnostics } = await readText(plugin, text, context.block.zones)
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (errors.length > 0 || options.length === 0) {
    throw new Error(
      errors.map(({ line, column, message }) => `${line}:${column} ${message}`).join('\n') || 'no directive',
    )
  }
  const settings = context.block.settings as BlockSettings
  plugin.configure?.(options[0]!, settings, {
    interfaces: () => new Map([['lo', ['127.0.0.1', '::1']]]),
    keys: [{ text: '.', transport: 'dns' }],
    report(token, code) {
      throw new Error(`${token.position.line}:${token.position.column} ${code}`)
    },
  })
  const started = (await plugin.start?.(options[0]!, context)) ?? {}
  const running: Running = typeof started === 'function' ? { handler: started } : started
  const call = (query: Query, next: NextLike = noNext) => running.handler!(query, toNext(next))
  return {
    options: options[0]!,
    running,
    settings,
    context,
    ask: async (query, next) => call(query, next),
    askNow(query, next) {
      const result = call(query, next)
      if (isPending(result)) throw new Error('the handler made a promise')
      return result
    },
  }
}

const noNext: NextLike = (query) => query.fail(RCODES.SERVFAIL, 'test', 'no next plugin found')

/** A Next for a handler; `plugin` is what it says it leads to. */
export function toNext(next: NextLike, plugin?: string): Next {
  return Object.assign((query: Query) => next(query), { plugin })
}
