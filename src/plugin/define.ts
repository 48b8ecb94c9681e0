import type { Codes } from '../corefile/codes.ts'
import type { Handler } from './chain.ts'
import type { BlockSettings, PluginContext } from './context.ts'
import type { DirectiveGrammar, ReadDirective } from './directive.ts'
import type { Transport } from './listener.ts'
import type { Query } from './query.ts'
import type { Report } from './values.ts'

/** What `parse` may know of the block; it stays pure: no file, socket or clock. */
export interface ParseScope {
  /** Zones of the block as text. */
  zones: readonly string[]
  report: Report
}

/** What `configure` may look at. */
export interface Environment {
  /** All addresses of each network interface of the machine; link-local IPv6 addresses with `%IFACE`. */
  interfaces(): Map<string, string[]>
  /** The block's keys as they are written, with their transports. */
  keys: readonly { text: string; transport: Transport }[]
  /** Takes findings that `parse` can't know, with the plugin's codes; the configuration is refused then. */
  report: Report
}

/** A plugin that runs in a server block. All parts are optional; without `handler` it is not part of the chain. */
export interface Running {
  handler?: Handler
  /**
   * Publishes what it knows of a query, before the block's view is tested and its chain asked; in the chain's order. Called only in blocks
   * with `metadata`.
   */
  metadata?(query: Query): void
  /** Whether the block serves this query; when not, the next block of the zone is tried. Answers at once and never throws. */
  passes?(query: Query): boolean
  /** False while the plugin can't answer yet; `ready` asks. */
  ready?(): boolean
  /** The sockets are open and queries come in. */
  listening?(): void
  /** The process was told to end; queries still come in until all have settled. In the chain's order, one after the other. */
  drain?(): void | Promise<void>
  /** Milliseconds that `drain` may take before the end goes on without it; 5000 when left out. `stop` always has as long. */
  drainTime?: number
  /** No query comes in any more: after a reload or at the end. */
  stop?(): void | Promise<void>
}

/**
 * How several uses of a directive in one block are treated: `once` reports the second, `first` takes the first and reads no other, `last`
 * takes the last, `merge` parses all into one, `each` makes a plugin of each, in their order.
 */
export type Repeat = 'once' | 'first' | 'last' | 'merge' | 'each'

export interface Plugin<G extends DirectiveGrammar = DirectiveGrammar, Options = unknown> {
  /** Its directive, and the folder it lives in. */
  name: string
  /** One sentence. */
  summary: string
  directive: G
  /** The versions of corelet that it works with, as npm writes ranges: `^0.1.0`. A package says it in `peerDependencies`, too. */
  requires?: string
  /** `once` when left out. */
  repeat?: Repeat
  /** Its own diagnostics; reported as `NAME/CODE`, written in `parse` without the name. */
  errors?: Codes
  /** It only looks at queries and replies that pass, to count or log them. What the server asks itself passes it by. */
  observes?: true
  /**
   * Turns the directive into options; undefined after it has reported. Left out, the options are the directive as read.
   * `uses` has one element unless `repeat` is `merge`.
   */
  parse?(uses: readonly ReadDirective<G>[], scope: ParseScope): Options | undefined
  /** Changes settings of the block before anything starts. @throws Error with the text to show */
  configure?(options: Options, settings: BlockSettings, environment: Environment): void
  /** Starts it: opens what it needs and gives its handler. An error aborts the start of the generation. */
  start?(
    options: Options,
    context: PluginContext,
  ): Handler | Running | undefined | Promise<Handler | Running | undefined>
}

/** A plugin whose grammar is not known here. */
// biome-ignore lint/suspicious/noExplicitAny: the grammar only matters to the plugin's own parse
export type AnyPlugin<Options = unknown> = Plugin<any, Options>

/** Defines a plugin; the types of `parse`'s result and of what it reads follow from the declaration. */
export function definePlugin<const G extends DirectiveGrammar, Options = ReadDirective<G>>(
  plugin: Plugin<G, Options>,
): Plugin<G, Options> {
  return plugin
}
