import type { Codes } from 'corelet/plugin'

/** Diagnostics of the `cache` directive. */
export const errors = {
  'bad-ttl': {
    message: 'cache TTL can not be zero or negative: {0}',
    hint: 'the longest time that answers are kept is a whole number of seconds, at least 1',
    example: '. {\n  cache 0\n}',
  },
  'negative-min-ttl': {
    message: 'cache min TTL can not be negative: {0}',
    hint: 'MINTTL is a whole number of seconds; 0 keeps answers exactly as long as their TTL says',
    example: '. {\n  cache {\n    success 1000 60 -1\n  }\n}',
  },
  'negative-prefetch': {
    message: 'prefetch amount should be positive: {0}',
    hint: 'AMOUNT is the number of hits that makes a name popular; 0 switches prefetching off',
    example: '. {\n  cache {\n    prefetch -1\n  }\n}',
  },
  'percentage-sign': {
    message: "last character of percentage should be `%`, but is: '{0}'",
    hint: 'write the percentage with its sign, for example 10%',
    example: '. {\n  cache {\n    prefetch 1 1m 20\n  }\n}',
  },
  'percentage-range': {
    message: 'percentage should fall in range [10, 90]: {0}',
    hint: 'the last 10 to 90 percent of the TTL are the time in which an answer is fetched anew',
    example: '. {\n  cache {\n    prefetch 1 1m 95%\n  }\n}',
  },
  'stale-negative': {
    message: 'invalid negative duration for serve_stale: {0}',
    hint: 'DURATION is how long an expired answer may still be served, for example 1h',
    example: '. {\n  cache {\n    serve_stale -1h\n  }\n}',
  },
  'stale-mode': {
    message: 'invalid value for serve_stale refresh mode: {0}',
    hint: 'the refresh mode is immediate or verify',
    example: '. {\n  cache {\n    serve_stale 1h later\n  }\n}',
  },
  'stale-timeout': {
    message: 'invalid negative timeout for serve_stale verify: {0}',
    hint: 'VERIFYTIMEOUT is how long to wait for a new answer before the stale one is sent; 0 waits for the outcome',
    example: '. {\n  cache {\n    serve_stale 1h verify -1s\n  }\n}',
  },
  'stale-ttl-fraction': {
    message: 'serve_stale response TTL must be a whole number of seconds: {0}',
    hint: 'write for example 30s',
    example: '. {\n  cache {\n    serve_stale 1h immediate 1500ms\n  }\n}',
  },
  'stale-ttl-range': {
    message: 'invalid serve_stale response TTL: {0}',
    hint: 'RESPTTL is at least 0s and at most 4294967295s',
    example: '. {\n  cache {\n    serve_stale 1h immediate -30s\n  }\n}',
  },
  'stale-recheck-negative': {
    message: 'invalid negative failure recheck for serve_stale: {0}',
    hint: 'RECHECK is how long to wait after a failed refresh, from 0s to 5m',
    example: '. {\n  cache {\n    serve_stale 1h immediate 30s -5s\n  }\n}',
  },
  'stale-recheck-range': {
    message: 'serve_stale failure recheck cannot exceed 5 minutes: {0}',
    hint: 'RECHECK is how long to wait after a failed refresh, from 0s to 5m',
    example: '. {\n  cache {\n    serve_stale 1h immediate 30s 6m\n  }\n}',
  },
  'stale-policy': {
    message: 'invalid serve_stale_policy: {0}',
    hint: 'the only policy is prefer_positive',
    example: '. {\n  cache {\n    serve_stale\n    serve_stale_policy prefer_negative\n  }\n}',
  },
  'stale-policy-twice': {
    message: 'serve_stale_policy can only be specified once',
    hint: 'remove this line',
    example:
      '. {\n  cache {\n    serve_stale\n    serve_stale_policy prefer_positive\n    serve_stale_policy prefer_positive\n  }\n}',
  },
  'stale-policy-alone': {
    message: 'serve_stale_policy requires serve_stale',
    hint: 'add a serve_stale line, or remove this one',
    example: '. {\n  cache {\n    serve_stale_policy prefer_positive\n  }\n}',
  },
  'negative-servfail': {
    message: 'invalid negative ttl for servfail: {0}',
    hint: 'servfail is a duration from 0s to 5m; 0s keeps no SERVFAIL',
    example: '. {\n  cache {\n    servfail -1s\n  }\n}',
  },
  'long-servfail': {
    message: 'caching SERVFAIL responses over 5 minutes is not permitted: {0}',
    hint: 'RFC 2308 section 7 allows at most 5m',
    example: '. {\n  cache {\n    servfail 10m\n  }\n}',
  },
  'disable-type': {
    message: "cache type for disable must be 'success' or 'denial', not '{0}'",
    hint: 'usage: disable success|denial [ZONES...]',
    example: '. {\n  cache {\n    disable everything\n  }\n}',
  },
  'disable-zone': {
    message: 'invalid disabled zone: {0}',
    hint: 'a zone is a domain name such as example.org or a network such as 10.0.0.0/8',
    example: '. {\n  cache {\n    disable denial a..b\n  }\n}',
  },
  'bad-size': {
    message: 'invalid value for max_bytes: {0}',
    hint: 'write octets, or a number with K, M or G, at least 128K: 32M',
    example: '. {\n  cache {\n    max_bytes lots\n  }\n}',
  },
  'unknown-option': {
    message: "Wrong argument count or unexpected line ending after '{0}'",
    hint: '{1}',
    example: '. {\n  cache {\n    sucess 1000\n  }\n}',
  },
} satisfies Codes
