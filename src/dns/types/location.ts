/** Where something stands on the earth (RFC 1876). */
import { TextError, WireError } from '../errors.ts'
import type { Words } from '../words.ts'
import type { Field } from './field.ts'

/** Position in degrees, north and east positive; all else in metres. */
export interface Location {
  latitude: number
  longitude: number
  altitude: number
  /** Diameter of a sphere around it. */
  size: number
  horizontalPrecision: number
  verticalPrecision: number
}

/** Thousandths of an arc second in a degree. */
const DEGREE = 3_600_000
const EQUATOR = 2 ** 31
/** Altitude on the wire is counted from 100 km below the ellipsoid, in centimetres. */
const ALTITUDE_BASE = 10_000_000

export const location: Field<Location> = {
  check(reader) {
    if (reader.left > 0 && reader.octets[reader.at] !== 0) reader.skipToEnd()
    else reader.skip(16)
  },
  read(reader) {
    if (reader.u8() !== 0) throw new WireError('LOC of an unknown version')
    const size = toMetres(reader.u8())
    const horizontalPrecision = toMetres(reader.u8())
    const verticalPrecision = toMetres(reader.u8())
    const latitude = toDegrees(reader.u32(), 90)
    const longitude = toDegrees(reader.u32(), 180)
    const altitude = (reader.u32() - ALTITUDE_BASE) / 100
    return { latitude, longitude, altitude, size, horizontalPrecision, verticalPrecision }
  },
  write(writer, value) {
    writer.u8(0)
    writer.u8(fromMetres(value.size))
    writer.u8(fromMetres(value.horizontalPrecision))
    writer.u8(fromMetres(value.verticalPrecision))
    writer.u32(fromDegrees(value.latitude, 90))
    writer.u32(fromDegrees(value.longitude, 180))
    const altitude = Math.round(value.altitude * 100) + ALTITUDE_BASE
    if (!(altitude >= 0 && altitude <= 0xffffffff)) throw new WireError(`bad altitude ${value.altitude}`)
    writer.u32(altitude)
  },
  parse(words) {
    const latitude = parseDegrees(words, 90, 'N', 'S')
    const longitude = parseDegrees(words, 180, 'E', 'W')
    const altitude = parseMetres(words)
    if (altitude === undefined) throw new TextError('altitude is missing', words.column)
    const size = parseMetres(words) ?? 1
    const horizontalPrecision = parseMetres(words) ?? 10_000
    const verticalPrecision = parseMetres(words) ?? 10
    return { latitude, longitude, altitude, size, horizontalPrecision, verticalPrecision }
  },
  format: (value) =>
    [
      formatDegrees(value.latitude, 'N', 'S'),
      formatDegrees(value.longitude, 'E', 'W'),
      `${value.altitude.toFixed(2)}m`,
      ...[value.size, value.horizontalPrecision, value.verticalPrecision].map(formatSize),
    ].join(' '),
}

/** Sizes are one digit and a power of ten, in centimetres (RFC 1876 §2). */
function toMetres(octet: number): number {
  const digit = octet >> 4
  const power = octet & 15
  if (digit > 9 || power > 9 || (digit === 0 && power > 0)) throw new WireError('LOC with a size that is no number')
  return (digit * 10 ** power) / 100
}

function fromMetres(metres: number): number {
  const centimetres = Math.round(metres * 100)
  if (!(centimetres >= 0 && centimetres <= 9e9)) throw new WireError(`bad size ${metres}`)
  const power = Math.max(0, String(centimetres).length - 1)
  return (Math.floor(centimetres / 10 ** power) << 4) | power
}

function toDegrees(units: number, max: number): number {
  const degrees = (units - EQUATOR) / DEGREE
  if (Math.abs(degrees) > max) throw new WireError('LOC off the earth')
  return degrees
}

function fromDegrees(degrees: number, max: number): number {
  if (!(Math.abs(degrees) <= max)) throw new WireError(`bad position ${degrees}`)
  return Math.round(degrees * DEGREE) + EQUATOR
}

/** Reads `DEGREES [MINUTES [SECONDS]] N|S`. */
function parseDegrees(words: Words, max: number, positive: string, negative: string): number {
  const column = words.column
  const parts: number[] = []
  for (;;) {
    const { text } = words.next('position')
    if (text === positive || text === negative) {
      const [degrees = Number.NaN, minutes = 0, seconds = 0] = parts
      const units = degrees * DEGREE + minutes * 60_000 + Math.round(seconds * 1000)
      if (!(units <= max * DEGREE && minutes < 60 && seconds < 60)) break
      return (text === positive ? units : -units) / DEGREE
    }
    if (parts.length === 3 || (!/^\d{1,3}$/.test(text) && !(parts.length === 2 && /^\d{1,2}\.\d{1,3}$/.test(text))))
      break
    parts.push(Number(text))
  }
  throw new TextError('bad position', column)
}

function formatDegrees(degrees: number, positive: string, negative: string): string {
  const units = Math.round(Math.abs(degrees) * DEGREE)
  const whole = Math.floor(units / DEGREE)
  const minutes = Math.floor((units % DEGREE) / 60_000)
  const seconds = ((units % 60_000) / 1000).toFixed(3)
  return `${whole} ${minutes} ${seconds} ${degrees < 0 ? negative : positive}`
}

function parseMetres(words: Words): number | undefined {
  if (words.done) return undefined
  const { text, column } = words.next('metres')
  if (!/^-?\d{1,8}(\.\d{1,2})?m?$/.test(text)) throw new TextError(`not metres: ${text}`, column)
  return Number.parseFloat(text)
}

function formatSize(metres: number): string {
  return metres < 1 ? `${metres.toFixed(2)}m` : `${metres}m`
}
