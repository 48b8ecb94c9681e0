import {
  custom,
  definePlugin,
  duration,
  failOverloaded,
  integer,
  one,
  option,
  type Query,
  RCODES,
  type Reply,
  type Report,
  rest,
  type Token,
  ZoneList,
  zone,
} from 'corelet/plugin'
import { AnswerCache, type Known } from './answer-cache.ts'
import { askService } from './service.ts'

/** Answers from an HTTP service, and remembers what it said. */
export default definePlugin({
  name: 'http-answers',
  summary: 'answers from an HTTP service',
  directive: {
    args: [one(custom('URL', 'url', readUrl)), rest(zone())],
    options: {
      timeout: option('how long the service may take', [one(duration('DURATION', { min: 1, max: 60_000 }))]),
      ttl: option('how long answers are kept at most', [one(duration('DURATION', { min: 1000 }))]),
      entries: option('answers that are kept', [one(integer('N', { min: 1, max: 1_000_000 }))]),
    },
  },
  errors: {
    'bad-url': {
      message: "'{0}' is no URL of an HTTP service",
      hint: 'write it as in http://127.0.0.1:8080/lookup',
      example: '. {\n  http-answers localhost:8080\n}',
    },
  },
  parse([use], { zones }) {
    const [url, own] = use!.values
    const { options } = use!
    return {
      url,
      zones: new ZoneList(own.length > 0 ? own.flat() : zones),
      timeout: options.timeout.at(-1)?.values[0] ?? 2000,
      ttl: options.ttl.at(-1)?.values[0] ?? 30_000,
      entries: options.entries.at(-1)?.values[0] ?? 10_000,
    }
  },
  start({ url, zones, timeout, ttl, entries }, { clock, metrics }) {
    const requests = metrics.counter('corelet_http_answers_requests_total', 'Requests to the service.', ['result'])
    const cache = new AnswerCache(entries, clock, async (name, type) => {
      try {
        const known = await askService(url, name, type, { timeout, ttl })
        requests.with('ok').inc()
        return known
      } catch (error) {
        requests.with('failed').inc()
        throw error
      }
    })
    return (query, next) => {
      if (!zones.has(query.key)) return next(query)
      const found = cache.find(query.name, query.type)
      if (found) return answer(query, found, clock.monotonic(), 'hit')
      if (!query.origin.mayWait) return failOverloaded(query, 'http-answers')
      // from here on it is waited for, so the query is kept as it is
      query.keep()
      return cache.fetch(query.name, query.type).then(
        (known) => answer(query, known, clock.monotonic(), 'asked'),
        (error: Error) => query.fail(RCODES.SERVFAIL, 'http-answers', error),
      )
    }
  },
})

function readUrl(token: Token, report: Report): string | undefined {
  if (/^https?:\/\//.test(token.text) && URL.canParse(token.text)) return token.text
  return void report(token, 'bad-url', token.text)
}

/** TTLs count down while an answer is kept. */
function answer(query: Query, { rcode, answers, until }: Known, now: number, reason: string): Reply {
  const reply = query.reply({ rcode, answers }, 'http-answers', reason)
  return reply.copy({ ttl: Math.max(0, Math.ceil((until - now) / 1000)) })
}
