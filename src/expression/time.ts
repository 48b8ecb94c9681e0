/** Points in time and durations, with the methods that Go's have, and Go's way to write layouts. */

import { formatDuration, parseDuration } from '../plugin/duration.ts'
import { Regex } from '../plugin/regex.ts'
import { EvaluationError } from './errors.ts'

export class Duration {
  readonly milliseconds: number

  constructor(milliseconds: number) {
    this.milliseconds = milliseconds
  }

  /** @throws EvaluationError */
  static parse(text: string): Duration {
    const parsed = parseDuration(text)
    if (typeof parsed === 'string') throw new EvaluationError(`time: ${parsed}`)
    return new Duration(parsed)
  }

  toString(): string {
    return formatDuration(this.milliseconds)
  }
}

interface Fields {
  year: number
  /** 1 to 12. */
  month: number
  day: number
  hour: number
  minute: number
  second: number
  /** Milliseconds within the second. */
  fraction: number
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const LAYOUT =
  /2006|January|Jan|01|Monday|Mon|MST|02|_2|15|03|04|05|06|002|PM|pm|-07:00|-0700|-07|Z07:00|Z0700|[.,](?:0+|9+)|[123459](?!\d)/g
/** Layouts that `date` tries when it is given none. */
const COMMON = [
  '2006-01-02',
  '15:04:05',
  '2006-01-02 15:04:05',
  '2006-01-02T15:04:05Z07:00',
  '02 Jan 06 15:04 MST',
  'Monday, 02-Jan-06 15:04:05 MST',
  'Mon, 02 Jan 2006 15:04:05 MST',
]

export class Time {
  readonly milliseconds: number
  /** A name of the IANA time zone database. */
  readonly zone: string
  #fields: Fields | undefined

  constructor(milliseconds: number, zone = 'UTC') {
    this.milliseconds = milliseconds
    this.zone = zone
  }

  /** @throws EvaluationError */
  static parse(text: string, layout: string | undefined, zone = 'UTC'): Time {
    for (const each of layout === undefined ? COMMON : [layout]) {
      const found = parseLayout(text, each, zone)
      if (found) return found
    }
    throw new EvaluationError(`cannot read the date ${text}`)
  }

  get fields(): Fields {
    this.#fields ??= toFields(this.milliseconds, this.zone)
    return this.#fields
  }

  get weekday(): number {
    const { year, month, day } = this.fields
    return new Date(Date.UTC(year, month - 1, day)).getUTCDay()
  }

  get yearDay(): number {
    const { year, month, day } = this.fields
    return (Date.UTC(year, month - 1, day) - Date.UTC(year, 0, 1)) / 86_400_000 + 1
  }

  format(layout: string): string {
    return layout.replace(LAYOUT, (part) => formatPart(part, this))
  }

  toString(): string {
    return this.format('2006-01-02 15:04:05 -0700 MST')
  }
}

/** The name of a zone as the database has it. @throws EvaluationError */
export function toZone(name: string): string {
  try {
    return zoneFormat(name === 'Local' ? undefined : name).resolvedOptions().timeZone
  } catch {
    throw new EvaluationError(`unknown time zone ${name}`)
  }
}

const formats = new Map<string | undefined, Intl.DateTimeFormat>()
const MAX_FORMATS = 64

function zoneFormat(zone: string | undefined): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      ...(zone !== undefined && { timeZone: zone }),
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    if (formats.size >= MAX_FORMATS) formats.clear()
    formats.set(zone, format)
  }
  return format
}

function toFields(milliseconds: number, zone: string): Fields {
  const fraction = ((milliseconds % 1000) + 1000) % 1000
  if (zone === 'UTC') {
    const date = new Date(milliseconds)
    return {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      fraction,
    }
  }
  const parts = Object.fromEntries(
    zoneFormat(zone)
      .formatToParts(milliseconds)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts
  return { year, month, day, hour, minute, second, fraction }
}

/** Minutes that the zone is ahead of UTC at that time. */
function offsetOf(milliseconds: number, zone: string): number {
  const { year, month, day, hour, minute, second, fraction } = toFields(milliseconds, zone)
  return Math.round((Date.UTC(year, month - 1, day, hour, minute, second, fraction) - milliseconds) / 60_000)
}

const pad = (number: number, width = 2) => String(number).padStart(width, '0')

function formatOffset(minutes: number, colon: string): string {
  const away = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(away / 60))}${colon}${pad(away % 60)}`
}

function formatPart(part: string, time: Time): string {
  const { year, month, day, hour, minute, second, fraction } = time.fields
  const offset = () => offsetOf(time.milliseconds, time.zone)
  switch (part) {
    case '2006':
      return pad(year, 4)
    case '06':
      return pad(year % 100)
    case 'January':
      return MONTHS[month - 1]!
    case 'Jan':
      return MONTHS[month - 1]!.slice(0, 3)
    case '01':
      return pad(month)
    case '1':
      return String(month)
    case 'Monday':
      return DAYS[time.weekday]!
    case 'Mon':
      return DAYS[time.weekday]!.slice(0, 3)
    case '02':
      return pad(day)
    case '_2':
      return String(day).padStart(2)
    case '2':
      return String(day)
    case '002':
      return pad(time.yearDay, 3)
    case '15':
      return pad(hour)
    case '03':
      return pad(hour % 12 || 12)
    case '3':
      return String(hour % 12 || 12)
    case '04':
      return pad(minute)
    case '4':
      return String(minute)
    case '05':
      return pad(second)
    case '5':
      return String(second)
    case 'PM':
      return hour < 12 ? 'AM' : 'PM'
    case 'pm':
      return hour < 12 ? 'am' : 'pm'
    case 'MST':
      return time.zone === 'UTC' ? 'UTC' : formatOffset(offset(), '')
    case '-07:00':
      return formatOffset(offset(), ':')
    case '-0700':
      return formatOffset(offset(), '')
    case '-07':
      return formatOffset(offset(), '').slice(0, 3)
    case 'Z07:00':
      return offset() === 0 ? 'Z' : formatOffset(offset(), ':')
    case 'Z0700':
      return offset() === 0 ? 'Z' : formatOffset(offset(), '')
    default:
      return /^[.,]/.test(part) ? formatFraction(part, fraction) : part
  }
}

function formatFraction(part: string, fraction: number): string {
  const digits = pad(fraction, 3)
    .padEnd(part.length - 1, '0')
    .slice(0, part.length - 1)
  if (part[1] === '0') return part[0] + digits
  const short = digits.replace(/0+$/, '')
  return short === '' ? '' : part[0] + short
}

/** What each part of a layout is written as. */
const READERS: Record<string, string> = {
  '2006': '(?P<year>\\d{4})',
  '06': '(?P<shortYear>\\d{2})',
  January: '(?P<monthName>[A-Za-z]+)',
  Jan: '(?P<monthName>[A-Za-z]{3})',
  '01': '(?P<month>\\d{2})',
  '1': '(?P<month>\\d{1,2})',
  Monday: '[A-Za-z]+',
  Mon: '[A-Za-z]{3}',
  '02': '(?P<day>\\d{2})',
  _2: ' ?(?P<day>\\d{1,2})',
  '2': '(?P<day>\\d{1,2})',
  '15': '(?P<hour>\\d{2})',
  '03': '(?P<hour>\\d{2})',
  '3': '(?P<hour>\\d{1,2})',
  '04': '(?P<minute>\\d{2})',
  '4': '(?P<minute>\\d{1,2})',
  '05': '(?P<second>\\d{2})(?:[.,](?P<fraction>\\d{1,9}))?',
  '5': '(?P<second>\\d{1,2})(?:[.,](?P<fraction>\\d{1,9}))?',
  PM: '(?P<half>[AP]M)',
  pm: '(?P<half>[ap]m)',
  MST: '(?:UTC|GMT|Z)',
  '-07:00': '(?P<offset>[+-]\\d{2}:\\d{2})',
  '-0700': '(?P<offset>[+-]\\d{4})',
  '-07': '(?P<offset>[+-]\\d{2})',
  'Z07:00': '(?:Z|(?P<offset>[+-]\\d{2}:\\d{2}))',
  Z0700: '(?:Z|(?P<offset>[+-]\\d{4}))',
}

function parseLayout(text: string, layout: string, zone: string): Time | undefined {
  const reader = toReader(layout)
  const groups = reader?.match(text)
  if (!reader || !groups) return undefined
  const found: Record<string, string | undefined> = {}
  for (const [name, group] of Object.entries(reader.names)) found[name] = groups[group] || undefined
  const month = found.monthName === undefined ? Number(found.month ?? 1) : monthNumber(found.monthName)
  const short = found.shortYear === undefined ? undefined : Number(found.shortYear)
  const year = short === undefined ? Number(found.year ?? 0) : short + (short < 69 ? 2000 : 1900)
  const day = Number(found.day ?? 1)
  const half = found.half?.toUpperCase()
  const hour = half ? (Number(found.hour ?? 0) % 12) + (half === 'PM' ? 12 : 0) : Number(found.hour ?? 0)
  const fraction = Math.floor(Number(`0.${found.fraction ?? 0}`) * 1000)
  const utc = new Date(0)
  utc.setUTCFullYear(year, month - 1, day)
  utc.setUTCHours(hour, Number(found.minute ?? 0), Number(found.second ?? 0), fraction)
  if (utc.getUTCDate() !== day || utc.getUTCMonth() !== month - 1 || hour > 23) return undefined
  if (found.offset !== undefined) {
    const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(found.offset)!
    return new Time(utc.getTime() - (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000)
  }
  const guess = utc.getTime() - offsetOf(utc.getTime(), zone) * 60_000
  return new Time(utc.getTime() - offsetOf(guess, zone) * 60_000, zone)
}

function monthNumber(name: string): number {
  return MONTHS.findIndex((month) => month.slice(0, 3).toLowerCase() === name.slice(0, 3).toLowerCase()) + 1
}

const readers = new Map<string, Regex | undefined>()
const MAX_READERS = 64

/** What reads texts of a layout; undefined when the layout has a part twice. */
function toReader(layout: string): Regex | undefined {
  if (!readers.has(layout)) {
    if (readers.size >= MAX_READERS) readers.clear()
    readers.set(layout, createReader(layout))
  }
  return readers.get(layout)
}

function createReader(layout: string): Regex | undefined {
  let source = ''
  let at = 0
  const seen = new Set<string>()
  for (const found of layout.matchAll(LAYOUT)) {
    const reader = READERS[found[0]] ?? '[.,]\\d*'
    const name = /\(\?P<(\w+)>/.exec(reader)?.[1]
    if (name !== undefined && seen.has(name)) return undefined
    if (name !== undefined) seen.add(name)
    source += quote(layout.slice(at, found.index)) + reader
    at = found.index + found[0].length
  }
  return new Regex(`^${source}${quote(layout.slice(at))}$`)
}

function quote(text: string): string {
  return text.replace(/[^\w\s]/g, '\\$&')
}
