import { fileURLToPath } from 'node:url'

/** A line of a stack that is in a module which the module loader has given a version. */
const PLUGIN_FRAME = /(file:\/\/\S+?)\?corelet-version=\d+:(\d+)/

/** The text of whatever was thrown. Never throws itself: plugins may throw anything. */
export function describeError(error: unknown): string {
  return attempt(() => (error instanceof Error ? error.message : error))
}

/** Where it was thrown, on lines of their own; empty when that is not known. */
export function describeStack(error: unknown): string {
  return attempt(() => (error instanceof Error && error.stack ? `\n${error.stack}` : ''))
}

/**
 * Where a plugin from outside made a mistake, ` (/etc/coredns/mine.ts:12)`, to be put behind the error's text; empty when none of its files has
 * to do with the error.
 */
export function describePlace(error: unknown): string {
  return attempt(() => {
    const stack = error instanceof Error ? (error.stack ?? '') : ''
    const [, url, line] = PLUGIN_FRAME.exec(stack) ?? []
    if (url) return ` (${fileURLToPath(url)}:${line})`
    const [, path, at] = (error instanceof SyntaxError && /^(\/.*):(\d+)$/m.exec(stack)) || []
    return path ? ` (${path}:${at})` : ''
  })
}

function attempt(read: () => unknown): string {
  try {
    return String(read())
  } catch {
    return 'an error that has no text'
  }
}
