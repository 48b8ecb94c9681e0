/** Deepest nesting of braces: the parser calls itself for each. A directive's block is 2 deep. */
export const MAX_DEPTH = 32
