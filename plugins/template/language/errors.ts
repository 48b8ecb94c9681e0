/** The text of a template is wrong. */
export class TemplateError extends Error {
  override name = 'TemplateError'
}

/** A template can't be filled in: a field that is not there, a wrong argument, or too much work. */
export class ExecutionError extends Error {
  override name = 'ExecutionError'
}
