import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ExecutionError, TemplateError } from './errors.ts'
import { Template } from './execute.ts'
import { mapOf, objectOf } from './values.ts'

const data = objectOf({
  Name: 'a.example.',
  Match: ['a.example.', 'a'],
  Group: mapOf({ 1: 'a', ip: '10-0-0-1' }),
  Count: 3,
  Big: 18446744073709551615n,
  Empty: '',
  Yes: true,
  Question: objectOf({ Name: 'a.example.', Qtype: 1 }),
  Meta: (label) => `<${String(label)}>`,
})

const good: [source: string, text: string][] = [
  ['plain', 'plain'],
  ['{{ .Name }} 60', 'a.example. 60'],
  ['{{.Name}}', 'a.example.'],
  ['{{ .Question.Name }} {{ .Question.Qtype }}', 'a.example. 1'],
  ['{{ .Group.ip }} {{ .Group.none }}', '10-0-0-1 <no value>'],
  ['{{ index .Match 1 }} {{ index .Group "1" }} {{ index .Group "x" }}', 'a a '],
  ['{{ .Meta "a/b" }} {{ "a/b" | .Meta }}', '<a/b> <a/b>'],
  ['a {{- " b " -}} c', 'a b c'],
  ['a {{/* nothing */}}b{{- /* more */ -}} c', 'a bc'],
  ['{{ $x := .Name }}{{ $x }}', 'a.example.'],
  ['{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}', '2'],
  ['{{ $x := .Question }}{{ $x.Name }} {{ $.Name }}', 'a.example. a.example.'],
  ['{{ if eq .Name "a.example." }}yes{{ else }}no{{ end }}', 'yes'],
  ['{{ if .Empty }}1{{ else if .Yes }}2{{ else }}3{{ end }}', '2'],
  ['{{ with .Group }}{{ .ip }}{{ end }}', '10-0-0-1'],
  ['{{ with .Empty }}x{{ else }}y{{ end }}', 'y'],
  ['{{ range .Match }}<{{ . }}>{{ end }}', '<a.example.><a>'],
  ['{{ range $i, $m := .Match }}{{ $i }}={{ $m }} {{ end }}', '0=a.example. 1=a '],
  ['{{ range $k, $v := .Group }}{{ $k }}={{ $v }} {{ end }}', '1=a ip=10-0-0-1 '],
  ['{{ range 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}', '02'],
  ['{{ range .Empty | len }}x{{ else }}none{{ end }}', 'none'],
  [
    '{{ printf "%s-%d-%05d|%-3s|%x|%X|%q|%v|%.2f|%t|%c|%+d|%%" "a" 1 42 "b" 255 255 "q" .Match 1.5 true 65 7 }}',
    'a-1-00042|b  |ff|FF|"q"|[a.example. a]|1.50|true|A|+7|%',
  ],
  ['{{ printf "%d %s %d" "a" 1 }}', '%!d(string=a) %!s(int=1) %!d(MISSING)'],
  ['{{ printf "%d" 1 2 }}', '1%!(EXTRA int=2)'],
  ['{{ .Count | printf "%d%d" 1 }}', '13'],
  ['{{ (index .Match 0) | len }}', '10'],
  ['{{ len .Match }}{{ len .Group }}', '22'],
  ['{{ slice .Name 2 4 }}{{ slice .Name 9 }}', 'ex.'],
  [
    '{{ eq 1 2 1 }} {{ ne "a" "b" }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt "b" "a" }} {{ ge 1 2 }}',
    'true true true true true false',
  ],
  ['{{ and .Yes .Count }} {{ or .Empty "b" }} {{ not .Yes }}', '3 b false'],
  ['{{ or .Yes (index .Match 9) }}', 'true'],
  ['{{ print "a" 1 2 "b" }}{{ println 1 }}', 'a1 2b1\n'],
  ['{{ html "<a&b>" }} {{ urlquery "a b&c" }}', '&lt;a&amp;b&gt; a+b%26c'],
  [
    '{{ parseInt "ff" 16 32 }} {{ parseInt "0x10" 0 8 }} {{ parseInt "18446744073709551615" 10 64 }}',
    '255 16 18446744073709551615',
  ],
  ['{{ \'a\' }} {{ 0x1F }} {{ -1 }} {{ 1e2 }} {{ `raw\\n` }} {{ "t\\tx\\u0041" }}', '97 31 -1 100 raw\\n t\txA'],
  ['{{ .Big }}', '18446744073709551615'],
  ['{{ nil | print }}', '<nil>'],
  ['{ { }}', '{ { }}'],
]

describe('templates', () => {
  for (const [source, text] of good) test(source, () => assert.equal(new Template(source).execute(data), text))
})

describe('what is no template is refused', () => {
  const bad: [source: string, message: RegExp][] = [
    ['{{ .Name', /unclosed action/],
    ['{{ }}', /missing value for command/],
    ['{{ nope }}', /function "nope" not defined/],
    ['{{ $x }}', /undefined variable "\$x"/],
    ['{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}', /undefined variable/],
    ['{{ if .Name }}', /unexpected EOF/],
    ['{{ end }}', /unexpected {{end}}/],
    ['{{ else }}', /unexpected {{else}}/],
    ['{{ if true }}{{ else }}{{ else }}{{ end }}', /expected end/],
    ['{{ break }}', /outside {{range}}/],
    ['{{ .Name | "x" }}', /non executable command/],
    ['{{ .Name | }}', /missing value for command/],
    ['{{ (.Name }}', /unclosed left paren/],
    ['{{ .Name ) }}', /unexpected \)/],
    ['{{ "a }}', /unexpected "\\""/],
    ['{{ define "x" }}{{ end }}', /{{define}} is not supported/],
    ['{{ ! }}', /unexpected "!"/],
    [`${'{{ if true }}'.repeat(110)}`, /nested too deep/],
    ['x'.repeat(65_537), /longer than/],
  ]
  for (const [source, message] of bad) {
    test(source.slice(0, 50), () =>
      assert.throws(
        () => new Template(source),
        (error) => error instanceof TemplateError && message.test(error.message),
      ),
    )
  }
})

describe('what has no text fails, in bounded time', () => {
  const bad: [source: string, message: RegExp][] = [
    ['{{ .Nope }}', /can't evaluate field Nope/],
    ['{{ .Name.Nope }}', /can't evaluate field Nope in type string/],
    ['{{ index .Match 9 }}', /index out of range: 9/],
    ['{{ eq 1 "a" }}', /incompatible types/],
    ['{{ lt 1 "a" }}', /incompatible types/],
    ['{{ len 1 }}', /len of type int/],
    ['{{ not 1 2 }}', /wrong number of args for not/],
    ['{{ .Name "x" }}', /has arguments but cannot be invoked/],
    ['{{ range .Name }}{{ end }}', /can't iterate over string/],
    ['{{ parseInt "x" 10 32 }}', /invalid syntax/],
    ['{{ parseInt "256" 10 8 }}', /value out of range/],
    ['{{ parseInt "1" 99 8 }}', /invalid base/],
    ['{{ slice .Name 99 }}', /slice index out of range/],
    ['{{ range 1000000000 }}{{ end }}', /more than 20000 steps/],
    ['{{ range 1000 }}{{ range 1000 }}x{{ end }}{{ end }}', /more than 20000 steps/],
    ['{{ $x := "aaaaaaaa" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}', /more than 65536 characters/],
    [`{{ range 1000 }}${'x'.repeat(100)}{{ end }}`, /more than 65536 characters/],
  ]
  for (const [source, message] of bad) {
    test(source.slice(0, 60), () =>
      assert.throws(
        () => new Template(source).execute(data),
        (error) => error instanceof ExecutionError && message.test(error.message),
      ),
    )
  }
})
