/** The shape of a soak test: an event, what was lost over it, and whether that was allowed. */

/** `short` takes seconds and runs in the suite; `long` takes minutes and runs by `npm run soak`. */
export type Form = 'short' | 'long'

/** What one run of a scenario showed. */
export interface Row {
  /** Valid queries that were sent, and those of them that had no answer. */
  sent: number
  lost: number
  /** What else was measured, by name and unit: `memory MiB`, `worst answer ms`. */
  measured: Record<string, number | string>
  /** What had to hold, in a few words, and whether it did. */
  goal: string
  met: boolean
}

/** One event that a server must survive. A file of `scenarios/` exports it as `scenario`; the file's name is its name. */
export interface Scenario {
  name: string
  /** What happens, as the table shows it. */
  event: string
  /** It takes so long that it runs only where it is named. */
  byNameOnly?: true
  /** Starts what it needs and leaves nothing behind. @throws (rejects) Error when it can't be run at all */
  run(form: Form): Promise<Row>
}
