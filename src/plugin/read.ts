import { type Code, type Codes, fill, VALUE_CODES } from '../corefile/codes.ts'
import type { Diagnostic, Directive, Token } from '../corefile/model.ts'
import type { AnyPlugin } from './define.ts'
import { type ReadDirective, readDirective } from './directive.ts'
import type { Report } from './values.ts'

/**
 * Reads all uses of a plugin in one server block: `repeat` is honoured, the grammar checked, `parse` called. Pure.
 * @throws TypeError when the plugin's parse gives neither options nor a reason
 * @returns the options of each instance to start (one, or one a use for `each`) and what is wrong
 */
export function readUses<Options>(
  plugin: AnyPlugin<Options>,
  uses: readonly Directive[],
  zones: readonly string[],
): { options: Options[]; diagnostics: Diagnostic[] } {
  const { name, directive, errors = {}, repeat = 'once' } = plugin
  const diagnostics: Diagnostic[] = []
  const report: Report = (token, code, ...params) => diagnostics.push(toDiagnostic(name, errors, token, code, params))
  if (repeat === 'once') for (const use of uses.slice(1)) report(use.name, 'once-per-block', name)
  const taken = repeat === 'first' ? uses.slice(0, 1) : uses
  const read = taken.map((use) => readDirective(use, directive, report))
  const wanted = repeat === 'once' ? read.slice(0, 1) : repeat === 'last' ? read.slice(-1) : read
  const options: Options[] = []
  for (const group of repeat === 'merge' ? [wanted] : wanted.map((each) => [each])) {
    const good = group.filter((each): each is ReadDirective => each !== undefined)
    if (good.length < group.length || good.length === 0) continue
    const reported = diagnostics.length
    const parsed = plugin.parse ? plugin.parse(good, { zones, report }) : (good[0] as Options)
    if (parsed !== undefined) options.push(parsed)
    else if (diagnostics.length === reported) throw new TypeError('parse returned nothing and reported nothing')
  }
  return { options, diagnostics }
}

/** Fills in a code's template. @throws Error when the code is neither the plugin's nor shared */
export function toDiagnostic(
  plugin: string,
  errors: Codes,
  token: Token,
  code: string,
  params: readonly (string | number)[],
): Diagnostic {
  const own = Object.hasOwn(errors, code) ? errors[code] : undefined
  const shared: Code | undefined = Object.hasOwn(VALUE_CODES, code)
    ? VALUE_CODES[code as keyof typeof VALUE_CODES]
    : undefined
  const entry = own ?? shared
  if (!entry) throw new Error(`plugin ${plugin} reports the unknown code ${code}`)
  const hint = fill(entry.hint, params)
  return {
    ...token.position,
    code: own ? `${plugin}/${code}` : code,
    severity: entry.severity ?? 'error',
    message: fill(entry.message, params),
    ...(hint === '' ? {} : { hint }),
    plugin,
  }
}
