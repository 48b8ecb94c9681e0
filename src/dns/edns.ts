/** EDNS options between octets, objects and text. The carrier is everywhere {@link EdnsOption}; this is for those who look inside. */
import { OPTIONS } from './constants.ts'
import { TextError, WireError } from './errors.ts'
import type { EdnsOption } from './message.ts'
import { fromHex, toHex } from './octet-text.ts'
import type { TextForm } from './types/field.ts'
import { OPTION_FORMS } from './types/options.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

type Forms = typeof OPTION_FORMS
export type OptionName = keyof Forms

/** Value of an option: `OptionData<'EDE'>` is `{ infoCode, extraText }`. */
export type OptionData<Name extends OptionName> = Forms[Name] extends TextForm<infer T> ? T : never

/** An option by its name; `OPT65001` with octets for all others, and for values that break their option's rules. */
export type TypedOption =
  | { [Name in OptionName]: { type: Name; data: OptionData<Name> } }[OptionName]
  | { type: `OPT${number}`; data: Uint8Array }

const byCode = new Map<number, OptionName>(
  Object.keys(OPTION_FORMS).map((name) => [OPTIONS[name as OptionName], name as OptionName]),
)

/** What an option says. Never throws: what can't be understood stays octets. */
export function decodeOption({ code, data }: EdnsOption): TypedOption {
  const name = byCode.get(code)
  if (name) {
    const reader = new WireReader(data)
    try {
      const value = OPTION_FORMS[name].read(reader)
      if (reader.left === 0) return { type: name, data: value } as TypedOption
    } catch (error) {
      if (!(error instanceof WireError)) throw error
    }
  }
  return { type: `OPT${code}`, data }
}

/** @throws WireError or TextError when the value can't be encoded */
export function encodeOption(option: TypedOption): EdnsOption {
  const { type, data } = option
  if (Object.hasOwn(OPTION_FORMS, type)) {
    const writer = new WireWriter()
    const form = OPTION_FORMS[type as OptionName] as TextForm<unknown>
    form.write(writer, data)
    return { code: OPTIONS[type as OptionName], data: writer.finish() }
  }
  const code = /^OPT\d{1,5}$/.test(type) ? Number(type.slice(3)) : Number.NaN
  if (!(code <= 0xffff)) throw new WireError(`unknown EDNS option ${type}`)
  return { code, data: data as Uint8Array }
}

/** An option as `dig` prints it: `EDE: 22 (No Reachable Authority)`; others as `OPT=65001: 01 02`. */
export function formatOption(option: EdnsOption): string {
  const { type, data } = decodeOption(option)
  if (!Object.hasOwn(OPTION_FORMS, type)) return label(`OPT=${option.code}`, spacedHex(option.data))
  const form = OPTION_FORMS[type as OptionName] as TextForm<unknown> & { label: string }
  return label(form.label, form.format(data))
}

function label(name: string, text: string): string {
  return text === '' ? `${name}:` : `${name}: ${text}`
}

function spacedHex(octets: Uint8Array): string {
  return toHex(octets)
    .toLowerCase()
    .replace(/..(?=.)/g, '$& ')
}

/** Reads what {@link formatOption} writes. @throws TextError */
export function parseOption(text: string): EdnsOption {
  const match = /^([A-Z][A-Z -]*|OPT=(\d{1,5})):\s*([\s\S]*)$/.exec(text)
  if (!match) throw new TextError('not an EDNS option')
  const [, name, digits, value = ''] = match
  if (digits !== undefined) {
    if (Number(digits) > 0xffff) throw new TextError('option code over 65535')
    return { code: Number(digits), data: fromHex(value.replace(/\s/g, '')) }
  }
  for (const [type, form] of Object.entries(OPTION_FORMS)) {
    if (form.label !== name) continue
    try {
      return encodeOption({ type, data: form.parse(value) } as TypedOption)
    } catch (error) {
      if (error instanceof WireError) throw new TextError(error.message)
      throw error
    }
  }
  throw new TextError(`unknown EDNS option ${name}`)
}
