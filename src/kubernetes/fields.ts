/** Objects from outside, about whose shape nothing is sure. */
export type Fields = Record<string, unknown>

/** The fields of an object; none of what is no object. */
export function toFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}
