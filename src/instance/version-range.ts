/** Ranges of versions as npm writes them: `^1.2`, `~1.2.3`, `>=1.0 <2`, `1.x`, `1.2 - 1.4`, `*`, alternatives with `||`. */

type Version = readonly [major: number, minor: number, patch: number]

/** From the first one on, up to but without the second. */
type Interval = readonly [from: Version, to: Version]

const LOWEST: Version = [0, 0, 0]
const HIGHEST: Version = [Infinity, 0, 0]
const NEVER: Interval = [HIGHEST, LOWEST]

/** Alternatives, and words of each, that a range may have. */
const MOST = 20

/** Whether a version is in a range; undefined when one of them can't be read. What stands behind a `-` or `+` in versions is not looked at. */
export function isInRange(version: string, range: string): boolean | undefined {
  const [actual] = readPartial(version) ?? []
  const alternatives = range.split('||', MOST).map(readAlternative)
  if (!actual || alternatives.includes(undefined)) return undefined
  return alternatives.some((intervals) =>
    intervals!.every(([from, to]) => compare(actual, from) >= 0 && compare(actual, to) < 0),
  )
}

function readAlternative(text: string): Interval[] | undefined {
  const words = text
    .trim()
    .replace(/([<>=^~]) +/g, '$1')
    .split(/ +/, MOST)
  if (words.length === 3 && words[1] === '-') return readBoth(`>=${words[0]}`, `<=${words[2]}`)
  return readBoth(...words)
}

function readBoth(...words: string[]): Interval[] | undefined {
  const intervals = words.map(readComparator)
  return intervals.includes(undefined) ? undefined : (intervals as Interval[])
}

function readComparator(word: string): Interval | undefined {
  const [, operator = '', text = ''] = /^(>=|<=|>|<|=|\^|~)?v?(.*)$/.exec(word) ?? []
  const read = readPartial(text)
  if (!read) return undefined
  const [from, parts] = read
  const to = above(from, parts)
  switch (operator) {
    case '>=':
      return [from, HIGHEST]
    case '>':
      return parts === 0 ? NEVER : [parts === 3 ? [from[0], from[1], from[2] + 1] : to, HIGHEST]
    case '<':
      return [LOWEST, from]
    case '<=':
      return [LOWEST, to]
    case '^':
      return [from, above(from, Math.min(parts, caretPart(from, parts)))]
    case '~':
      return [from, above(from, Math.min(parts, 2))]
    default:
      return [from, to]
  }
}

/** How many parts a caret holds fast: up to the first that is not 0. */
function caretPart(version: Version, parts: number): number {
  const first = version.findIndex((part) => part > 0)
  return first < 0 ? parts : first + 1
}

/** The first version whose first `parts` parts are others. */
function above([major, minor, patch]: Version, parts: number): Version {
  if (parts === 0) return HIGHEST
  if (parts === 1) return [major + 1, 0, 0]
  return parts === 2 ? [major, minor + 1, 0] : [major, minor, patch + 1]
}

/** A version and how many of its parts are given. */
function readPartial(text: string): [version: Version, parts: number] | undefined {
  if (text === '' || /^[xX*]$/.test(text)) return [LOWEST, 0]
  const match = /^(\d{1,9})(?:\.(\d{1,9}|[xX*]))?(?:\.(\d{1,9}|[xX*]))?(?:[-+].*)?$/.exec(text)
  if (!match) return undefined
  const given = match.slice(1, 4).map((part) => (part === undefined || /^[xX*]$/.test(part) ? undefined : Number(part)))
  const first = given.indexOf(undefined)
  const parts = first < 0 ? 3 : first
  return [[given[0]!, parts > 1 ? given[1]! : 0, parts > 2 ? given[2]! : 0], parts]
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || 0
}
