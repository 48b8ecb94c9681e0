import { one, option, type ParseScope, type ReadDirective, rcode, some, zone } from 'corelet/plugin'
import { destination } from '../../src/forwarding/destination.ts'
import {
  type AttemptOptions,
  attemptOptions,
  type ConnectionOptions,
  connectionOptions,
  noting,
  readAttemptOptions,
  readConnectionOptions,
} from '../../src/forwarding/options.ts'

export const grammar = {
  args: [one(zone('FROM')), some(destination)],
  options: {
    except: option('names below FROM that are not forwarded', [some(zone('NAMES'))]),
    ...connectionOptions,
    ...attemptOptions,
    next: option('rcodes for which the next forward is asked', [some(rcode())]),
    next_on_nodata: option('asks the next forward when an answer is empty', []),
  },
} as const

export interface ForwardOptions extends ConnectionOptions, AttemptOptions {
  /** Zone that is forwarded, and whether the network it was written as stands for more zones. */
  from: string
  fromMany: boolean
  except: string[]
  next: ReadonlySet<number>
  nextOnNodata: boolean
}

/** Turns one directive into options; undefined after it has reported. */
export function parse([use]: readonly ReadDirective<typeof grammar>[], scope: ParseScope): ForwardOptions | undefined {
  const { values, tokens, options } = use!
  const [from, destinations] = values
  const noted = noting(scope.report)
  const parsed: ForwardOptions = {
    from: from[0]!,
    fromMany: from.length > 1,
    except: options.except.flatMap((line) => line.values[0].flat()),
    ...readConnectionOptions(options, destinations, tokens.slice(1), noted.report),
    ...readAttemptOptions(options),
    next: new Set(options.next.flatMap((line) => line.values[0])),
    nextOnNodata: options.next_on_nodata.length > 0,
  }
  return noted.failed ? undefined : parsed
}
