/** The text of whatever was thrown. Never throws itself: plugins may throw anything. */
export function describeError(error: unknown): string {
  return attempt(() => (error instanceof Error ? error.message : error))
}

/** Where it was thrown, on lines of their own; empty when that is not known. */
export function describeStack(error: unknown): string {
  return attempt(() => (error instanceof Error && error.stack ? `\n${error.stack}` : ''))
}

function attempt(read: () => unknown): string {
  try {
    return String(read())
  } catch {
    return 'an error that has no text'
  }
}
