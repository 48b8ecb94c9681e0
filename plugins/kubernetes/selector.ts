/** Selectors of labels, as `kubectl -l` takes them. */

/** `!KEY`, `KEY`, `KEY = VALUE`, `KEY in (VALUE, VALUE)`. What keys and values may look like in detail, the API server knows. */
const REQUIREMENT =
  /^\s*(?:!?\s*[\w./-]+|[\w./-]+\s*(?:==?|!=|<|>)\s*[\w.-]*|[\w./-]+\s+(?:not)?in\s*\(\s*[\w.-][\w., -]*\))\s*$/

/** Whether it is made like a selector: requirements with commas between them. */
export function isSelector(text: string): boolean {
  return text.split(/,(?![^(]*\))/).every((requirement) => REQUIREMENT.test(requirement))
}
