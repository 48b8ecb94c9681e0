/** The renderer of these tests: what it makes of templates is what Helm makes of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChart } from './chart.ts'
import { assertSameResources, createHelmChart, noHelm } from './helm.ts'
import type { ValueMap } from './values.ts'

const VALUES = `
text: a
number: 1000000
small: 5
enabled: true
empty: ""
list: [1, b, "2"]
map: { b: 1, a: { x: z } }
tricky: { date: "2020-01-01", time: "12:30", "yes": "no", tilde: "~", lines: "a\\nb\\n", space: " a", hash: "#", number: "1e3", colon: "a: b" }
`
const HELPERS = `
{{- define "name" -}}
{{ .Release.Name }}-{{ .Chart.Name }}
{{- end }}
{{- define "outer" }}[{{ include "name" . }}]{{ end -}}
`

/** Templates by what they are about, within a document of YAML, and what the value in it is then. */
const TEMPLATES: Record<string, [template: string, value: unknown]> = {
  'values and what is not there': [
    '|-\n  {{ .Values.text }}{{ .Values.nothing }} {{ .Values.number }} {{ .Values.small }} {{ .Values.enabled }}',
    'a 1e+06 5 true',
  ],
  'text of lists and maps': [
    '|-\n  {{ .Values.list }} {{ .Values.map }} {{ printf "%v" .Values.nothing }}',
    '[1 b 2] map[a:map[x:z] b:1] <nil>',
  ],
  'spaces are trimmed': ['|-\n  x {{- /* none */ -}}  a {{- "b" -}}  c {{ "d" }} {{/* one */}} e', 'xabc d  e'],
  'if and else': [
    '|-\n  {{ if .Values.empty }}1{{ else if eq .Values.text "a" "b" }}2{{ else }}3{{ end }}{{ if not .Values.nothing }}4{{ end }}',
    '24',
  ],
  'with and else': [
    '|-\n  {{ with .Values.map.a }}{{ .x }}{{ $.Values.text }}{{ end }}{{ with .Values.empty }}1{{ else }}{{ .Values.text }}{{ end }}',
    'zaa',
  ],
  'range over lists': [
    '|-\n  {{ range .Values.list }}<{{ . }}>{{ end }}{{ range $i, $each := .Values.list }}{{ $i }}={{ $each }} {{ end }}{{ range .Values.nothing }}{{ else }}none{{ end }}',
    '<1><b><2>0=1 1=b 2=2 none',
  ],
  'range over maps, in order': [
    '|-\n  {{ range $key, $value := .Values.map }}{{ $key }} {{ $value | toJson }} {{ end }}',
    'a {"x":"z"} b 1 ',
  ],
  'break and continue': [
    '|-\n  {{ range list 0 1 2 3 4 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}',
    '02',
  ],
  variables: ['|-\n  {{ $a := 1 }}{{ if true }}{{ $a = 2 }}{{ $b := $a }}{{ $b }}{{ end }}{{ $a }}', '22'],
  'named templates': [
    '|-\n  {{ include "name" . }} {{ template "outer" . }} {{ include "name" . | upper | trunc 5 }}',
    'corelet-sample [corelet-sample] COREL',
  ],
  'and, or': [
    '|-\n  {{ and 1 "" 2 | quote }} {{ or "" 0 "x" }} {{ and .Values.enabled (not .Values.empty) }} {{ or .Values.empty nil | quote }}',
    '"" x true ',
  ],
  'YAML of values': [
    '\n{{ toYaml .Values.tricky | indent 2 }}\n  other:\n    {{- toYaml .Values.map | nindent 4 }}',
    {
      colon: 'a: b',
      date: '2020-01-01',
      hash: '#',
      lines: 'a\nb\n',
      number: '1e3',
      space: ' a',
      tilde: '~',
      time: '12:30',
      yes: 'no',
      other: { a: { x: 'z' }, b: 1 },
    },
  ],
  'YAML of nothing': ['[{{ toYaml nil }}, {{ toYaml list }}, {{ toYaml dict }}]', [null, [], {}]],
  quotes: ['[{{ quote .Values.number }}, {{ .Values.tricky.lines | quote }}]', ['1e+06', 'a\nb\n']],
  defaults: [
    '|-\n  {{ .Values.empty | default "d" }} {{ default 5 .Values.small }} {{ ternary "y" "n" .Values.enabled }}',
    'd 5 y',
  ],
  text: [
    '|-\n  {{ "a-b-" | trimSuffix "-" | replace "-" "+" }} {{ hasSuffix "b" "ab" }} {{ contains "b" "ab" }} {{ printf "%s-%d %q" "a" 5 "b" }} {{ splitList "," "a,b" | join ";" }}',
    'a+b true true a-5 "b" a;b',
  ],
  lists: [
    '|-\n  {{ has "b" .Values.list }} {{ list "b" "a" | first }} {{ concat (list 1) (list 2) }} {{ append (list) 1 | toJson }}',
    'true b [1 2] [1]',
  ],
  maps: [
    '|-\n  {{ hasKey .Values "text" }} {{ dict "a" 1 "b" list | toJson }} {{ get .Values.map "b" }}',
    'true {"a":1,"b":[]} 1',
  ],
  merging: [
    '|-\n  {{ merge (dict "a" "" "b" (dict "c" 1)) (dict "a" 2 "b" (dict "c" 3 "d" 4)) | toJson }}',
    '{"a":2,"b":{"c":1,"d":4}}',
  ],
  numbers: [
    '|-\n  {{ int .Values.number }} {{ kindIs "float64" .Values.small }} {{ kindIs "invalid" .Values.nothing }} {{ int64 "7" }} {{ toString .Values.small }}',
    '1000000 true true 7 5',
  ],
  hashes: [
    '|-\n  {{ sha256sum "a" }} {{ toJson "<&>" }}',
    'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb "\\u003c\\u0026\\u003e"',
  ],
  'what Helm gives': [
    '|-\n  {{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.Service }} {{ .Chart.AppVersion }} {{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }} {{ .Capabilities.APIVersions.Has "apps/v1" }} {{ .Capabilities.KubeVersion.Version }} {{ .Template.BasePath }}',
    'corelet kube-system Helm 1.2 false true v1.33.0 sample/templates',
  ],
  files: [
    '|-\n  {{ .Files.Get "files/a.txt" }} {{ .Files.Get "none" }} {{ range $path, $_ := .Files.Glob "files/*.txt" }}{{ $path }} {{ end }}',
    'line  files/a.txt ',
  ],
  'templates in values': ['|-\n  {{ tpl "{{ .Values.text }} {{ include \\"name\\" . }}" . }}', 'a corelet-sample'],
}

const BROKEN: Record<string, [template: string, message: RegExp]> = {
  'a field of nothing': ['{{ .Values.nothing.more }}', /nil pointer/],
  'a field of text': ['{{ .Values.text.more }}', /asks a string for a field/],
  'a field that Helm does not give': ['{{ .Chart.Nothing }}', /there is no/],
  'an unknown function': ['{{ nothing 1 }}', /not known here/],
  'an unknown template': ['{{ include "nothing" . }}', /no template "nothing"/],
  'an unknown variable': ['{{ $nothing }}', /no variable/],
  'types that can not be compared': ['{{ eq .Values.small 5 }}', /incompatible types/],
  'a number where text is needed': ['{{ .Values.small | trimSuffix "a" }}', /wants a string/],
  'too many arguments': ['{{ upper "a" "b" }}', /takes 1 arguments/],
  'no end': ['{{ if true }}', /no end or else/],
  'an end too many': ['{{ end }}', /unexpected end/],
  'no closing quote': ['{{ "a }}', /can't read/],
  'text that is called': ['{{ .Values.text 1 }}', /can't give arguments/],
  'a template that fails': ['{{ fail "because" }}', /because/],
  'YAML that is none': ['"', /Missing closing/],
}

const chartOf = (template: string) =>
  new Map([
    ['Chart.yaml', 'apiVersion: v2\nname: sample\nversion: 0.1.0\nappVersion: "1.2"\n'],
    ['values.yaml', VALUES],
    ['files/a.txt', 'line'],
    ['files/b.md', 'line'],
    ['templates/_helpers.tpl', HELPERS],
    ['templates/NOTES.txt', 'Thank you.'],
    ['templates/one.yaml', `kind: Sample\nvalue: ${template}\nmetadata: { name: one }\n`],
  ])
const renderHere = (template: string) => createChart(chartOf(template)).render()
const renderThere = (template: string) => {
  using chart = createHelmChart(chartOf(template))
  return chart.render()
}

for (const [about, [template, expected]] of Object.entries(TEMPLATES)) {
  test(about, () => {
    const { resources, notes } = renderHere(template)
    assert.deepEqual(resources[0]?.['value'], expected)
    assert.equal(resources.length, 1)
    assert.equal(notes, 'Thank you.')
  })
  test(`${about}, by helm`, { skip: noHelm }, () => {
    assertSameResources(renderHere(template).resources, renderThere(template))
  })
}

for (const [about, [template, message]] of Object.entries(BROKEN)) {
  test(`refused: ${about}`, () => {
    assert.throws(() => renderHere(template), message)
  })
  test(`refused: ${about}, by helm`, { skip: noHelm }, () => {
    assert.throws(() => renderThere(template), /helm refuses it/)
  })
}

test('given values win, null takes one away, and the schema is asked before', () => {
  const files = chartOf('\'{{ toJson .Values.map }} {{ hasKey .Values.map "b" }}\'')
  const render = (values: ValueMap) => createChart(files).render({ map: values }).resources[0]?.['value']
  assert.equal(render({ c: 2 }), '{"a":{"x":"z"},"b":1,"c":2} true')
  assert.equal(render({ b: null, a: 'z' }), '{"a":"z"} false')
  files.set(
    'values.schema.json',
    '{ "type": "object", "properties": { "map": { "type": "object", "maxProperties": 2 } } }',
  )
  assert.throws(() => render({ c: 2 }), /\/map must NOT have more than 2 properties/)
})

test('a key that is there twice is refused, which Helm does not', () => {
  assert.throws(() => renderHere('1\nvalue: 2'), /unique/)
})
