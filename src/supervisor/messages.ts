/** What supervisor and workers tell each other. Sockets travel beside the messages. */

/** Deaths of workers since the supervisor started, by reason. */
export type Restarts = Record<string, number>

/** From a worker. */
export type WorkerMessage =
  /** Its event loop goes round. */
  | { type: 'beat' }
  /** It answers queries, and wants so many workers in all. */
  | { type: 'serving'; workers: number }
  /** Asks for a socket by name. */
  | { type: 'take'; id: number; name: string }
  /** The socket comes with it. */
  | { type: 'keep'; name: string }
  | { type: 'forgo'; name: string }
  | { type: 'release'; name: string }
  /** Asks for the metrics of all others; its own come with it if there are others. */
  | { type: 'survey'; id: number; own: unknown }
  | { type: 'metrics'; id: number; metrics: unknown }
  /** Answers `ask`. */
  | { type: 'answer'; id: number; answer: unknown }

/** To a worker. */
export type SupervisorMessage =
  /** Answers `take`: the socket comes with it when there is one, else the worker opens it. */
  | { type: 'taken'; id: number; open: boolean }
  /** It is to do what that signal asks for. @param ending nobody comes after it */
  | { type: 'signal'; signal: NodeJS.Signals; ending: boolean }
  /** Asks what only a process that serves can answer. */
  | { type: 'ask'; id: number; question: unknown }
  /** Asks for its metrics. */
  | { type: 'report'; id: number }
  /** Answers `survey`. */
  | { type: 'surveyed'; id: number; metrics: unknown[]; restarts: Restarts }

/** What a worker is told at its start, in the environment variable {@link WORKER_VARIABLE}. */
export interface WorkerSettings {
  /** Milliseconds between two beats; 0 when nobody listens for them. */
  beat: number
  /** The first worker of all says what is served. */
  first: boolean
}

export const WORKER_VARIABLE = 'CORELET_WORKER'
