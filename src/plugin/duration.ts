const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 36e5 }

/** Longest duration in milliseconds: Go counts nanoseconds in 63 bits. */
const MAX_DURATION = 2 ** 63 / 1e6

/** Milliseconds of a duration as Go writes it (`1h2m3.5s`, `-5s`, `0`); a string says in Go's words why it is none. */
export function parseDuration(word: string): number | string {
  const body = word.replace(/^[+-]/, '')
  if (body === '0') return 0
  if (!/^[\d.]/.test(body)) return `invalid duration "${word}"`
  let sum = 0
  for (const [, number = '', unit = ''] of body.matchAll(/([\d.]+)([^\d.]*)/g)) {
    if (!/^(\d+\.?\d*|\.\d+)$/.test(number)) return `invalid duration "${word}"`
    if (unit === '') return `missing unit in duration "${word}"`
    if (!Object.hasOwn(UNITS, unit)) return `unknown unit "${unit}" in duration "${word}"`
    sum += Number(number) * UNITS[unit]!
    if (sum >= MAX_DURATION) return `invalid duration "${word}"`
  }
  return word.startsWith('-') ? -sum : sum
}

/** Writes milliseconds as Go prints a duration: `1m30s`, `500ms`, `5m0s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s'
  const sign = milliseconds < 0 ? '-' : ''
  const total = Math.abs(milliseconds)
  if (total < 1000) return `${sign}${trim(total < 1 ? total * 1000 : total)}${total < 1 ? 'µs' : 'ms'}`
  const hours = Math.floor(total / 36e5)
  const minutes = Math.floor((total % 36e5) / 6e4)
  const seconds = `${trim((total % 6e4) / 1000)}s`
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`
}

function trim(number: number): string {
  return String(Number(number.toFixed(9)))
}
