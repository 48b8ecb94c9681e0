import { print, typeName, type Value } from './values.ts'

const VERB = /%([-+# 0]*)(\d{1,3})?(?:\.(\d{1,3}))?([a-zA-Z%])/g

/** Go's fmt.Sprintf for the verbs that make sense in templates; a wrong argument is told in the text, as Go does. */
export function printf(format: string, args: readonly Value[]): string {
  let next = 0
  const text = format.replace(
    VERB,
    (_, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%'
      if (next >= args.length) return `%!${verb}(MISSING)`
      const value = args[next++]
      const body = formatVerb(verb, value, flags, precision === undefined ? undefined : Number(precision))
      return pad(body, Number(width ?? 0), flags)
    },
  )
  const extra = args.slice(next).map((value) => `${typeName(value)}=${print(value)}`)
  return extra.length > 0 ? `${text}%!(EXTRA ${extra.join(', ')})` : text
}

function pad(text: string, width: number, flags: string): string {
  if (flags.includes('-')) return text.padEnd(width)
  if (!flags.includes('0')) return text.padStart(width)
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  return sign + text.slice(sign.length).padStart(width - sign.length, '0')
}

function formatVerb(verb: string, value: Value, flags: string, precision: number | undefined): string {
  const wrong = `%!${verb}(${typeName(value)}=${print(value)})`
  if (verb === 'v') return print(value)
  if (verb === 'T') return typeName(value)
  if (verb === 't') return typeof value === 'boolean' ? String(value) : wrong
  if (typeof value === 'string') return formatText(verb, value, precision) ?? wrong
  if (Array.isArray(value)) return `[${value.map((each) => formatVerb(verb, each, flags, precision)).join(' ')}]`
  if (typeof value !== 'number' && typeof value !== 'bigint') return wrong
  const number = formatNumber(verb, value, precision)
  if (number === undefined) return wrong
  const sign = flags.includes('+') && !number.startsWith('-') ? '+' : ''
  const prefix = flags.includes('#') && /[xX]/.test(verb) ? `0${verb}` : ''
  return sign + prefix + number
}

function formatText(verb: string, text: string, precision: number | undefined): string | undefined {
  if (verb === 's') return precision === undefined ? text : [...text].slice(0, precision).join('')
  if (verb === 'q') return JSON.stringify(text)
  const hex = Buffer.from(text).toString('hex')
  return verb === 'x' ? hex : verb === 'X' ? hex.toUpperCase() : undefined
}

function formatNumber(verb: string, value: number | bigint, precision: number | undefined): string | undefined {
  const whole = typeof value === 'bigint' || Number.isInteger(value)
  switch (verb) {
    case 'd':
      return whole ? String(value) : undefined
    case 'x':
      return whole ? value.toString(16) : undefined
    case 'X':
      return whole ? value.toString(16).toUpperCase() : undefined
    case 'o':
      return whole ? value.toString(8) : undefined
    case 'b':
      return whole ? value.toString(2) : undefined
    case 'c':
      return whole && value >= 0 && value <= 0x10ffff ? String.fromCodePoint(Number(value)) : undefined
    case 'f':
      return Number(value).toFixed(Math.min(precision ?? 6, 100))
    case 'e':
      return Number(value).toExponential(Math.min(precision ?? 6, 100))
    case 'g':
      return precision === undefined
        ? String(value)
        : String(Number(Number(value).toPrecision(Math.max(1, Math.min(precision, 100)))))
    default:
      return undefined
  }
}
