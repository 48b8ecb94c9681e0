import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AGENT_CODES } from './agent-codes.ts'
import { renderCorefile, type TemplateValues, toVariableName } from './corefile-template.ts'
import { NO_KUBE_DNS } from './kube-dns.ts'

const VALUES: TemplateValues = {
  localIps: ['169.254.20.10', '10.96.0.10'],
  upstreamService: '10.96.0.20',
  upstreamServiceName: 'kube-dns-upstream',
  prometheusAddress: ':9253',
  dnsPort: 53,
  kubeDns: NO_KUBE_DNS,
  overrides: [],
  servers: [],
}

function render(template: string, values: Partial<TemplateValues> = {}): string {
  const rendered = renderCorefile('Corefile.base', template, { ...VALUES, ...values })
  if ('diagnostic' in rendered) assert.fail(rendered.diagnostic.message)
  return rendered.text
}

function codeOf(template: string, values: Partial<TemplateValues>): [code: string, line: number, column: number] {
  const rendered = renderCorefile('Corefile.base', template, { ...VALUES, ...values })
  if ('text' in rendered) assert.fail(rendered.text)
  assert.equal(rendered.diagnostic.file, 'Corefile.base')
  return [rendered.diagnostic.code, rendered.diagnostic.line, rendered.diagnostic.column]
}

test('each variable gets its value, as often as it stands there', () => {
  const template = `.:53 {
    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
    forward . __PILLAR__CLUSTER__DNS__ __PILLAR__CLUSTER__DNS__
    forward b __PILLAR__UPSTREAM__SERVERS__
    prometheus __PROMETHEUS__ENDPOINT__
    other __PILLAR__DNS__DOMAIN__
}
`
  assert.equal(
    render(template),
    `.:53 {
    bind 169.254.20.10 10.96.0.10${' '}
    forward . 10.96.0.20 10.96.0.20
    forward b /etc/resolv.conf
    prometheus :9253
    other __PILLAR__DNS__DOMAIN__
}
`,
  )
})

test('values are taken as they are, $ too', () => {
  assert.equal(render('x __PROMETHEUS__ENDPOINT__', { prometheusAddress: "$&$'" }), "x $&$'\n")
})

test('a template that does not use the service needs none', () => {
  assert.equal(render('. {\n}', { upstreamService: undefined }), '. {\n}\n')
  const template = '. {\n  forward . __PILLAR__CLUSTER__DNS__\n}\n'
  assert.deepEqual(codeOf(template, { upstreamService: undefined }), ['unknown-upstream-service', 2, 13])
  assert.equal(toVariableName('kube-dns-upstream'), 'KUBE_DNS_UPSTREAM_SERVICE_HOST')
})

test('own upstream nameservers are asked over UDP, whatever the blanks in the template', () => {
  const kubeDns = { stubDomains: [], upstreamNameservers: ['192.0.2.1', '192.0.2.2:5353'] }
  for (const forced of [' {\n        force_tcp\n    }', '{\nforce_tcp\n}', '  {\n\n\tforce_tcp\n  }']) {
    const template = `.:53 {\n    forward . __PILLAR__UPSTREAM__SERVERS__${forced}\n}\n`
    assert.equal(render(template, { kubeDns }), '.:53 {\n    forward . 192.0.2.1 192.0.2.2:5353\n}\n')
    assert.match(render(template), /\/etc\/resolv\.conf *\{\s+force_tcp/, 'the resolvers of the node stay as they are')
  }
  const cluster = 'a {\n  forward . __PILLAR__CLUSTER__DNS__ {\n    force_tcp\n  }\n}\n'
  assert.match(render(cluster, { kubeDns }), /force_tcp/)
  const more = '. {\n  forward . __PILLAR__UPSTREAM__SERVERS__ {\n    force_tcp\n    max_fails 0\n  }\n}\n'
  assert.match(render(more, { kubeDns }), /force_tcp\n {4}max_fails/, 'other options are not thrown away')
})

const WARNED: [template: string, positions: [line: number, column: number][]][] = [
  [AGENT_CODES['forced-tcp'].example, [[3, 5]]],
  ['. {\n  forward . __PILLAR__UPSTREAM__SERVERS__ 192.0.2.9 {\n    force_tcp\n  }\n}\n', [[3, 5]]],
  ['. {\n  forward a __PILLAR__UPSTREAM__SERVERS__ {\n    force_tcp\n  }\n}\n', [[3, 5]]],
  ['. {\n  forward . __PILLAR__UPSTREAM__SERVERS__ {\n    force_tcp\n  }\n}\n', []],
  ['. {\n  forward . __PILLAR__UPSTREAM__SERVERS__\n}\na {\n  forward . 1.2.3.4 {\n    force_tcp\n  }\n}\n', []],
]
for (const [template, positions] of WARNED) {
  test(`TCP that stays is warned of: ${JSON.stringify(template)}`, () => {
    const warnings = (upstreamNameservers: string[]) => {
      const kubeDns = { stubDomains: [], upstreamNameservers }
      const rendered = renderCorefile('Corefile.base', template, { ...VALUES, kubeDns })
      return 'warnings' in rendered ? rendered.warnings : []
    }
    assert.deepEqual(
      warnings(['192.0.2.1']).map(({ code, line, column }) => [code, line, column]),
      positions.map((each) => ['forced-tcp', ...each]),
    )
    assert.deepEqual(warnings([]), [])
  })
}

test('each stub domain becomes a block behind the template', () => {
  const kubeDns = {
    stubDomains: [['a.example', ['192.0.2.1', '192.0.2.2']] as const, ['b.example', ['192.0.2.3:5353']] as const],
    upstreamNameservers: [],
  }
  assert.equal(
    render('.:5353 {\n}', { kubeDns, dnsPort: 5353 }),
    `.:5353 {
}
a.example:5353 {
    errors
    cache 30
    bind 169.254.20.10 10.96.0.10
    forward . 192.0.2.1 192.0.2.2
}
b.example:5353 {
    errors
    cache 30
    bind 169.254.20.10 10.96.0.10
    forward . 192.0.2.3:5353
}
`,
  )
})

const ROOTS = [
  '. {',
  '.:53 {',
  'dns://.:53 {',
  'example.org, .:53 {',
  'example.org .\t{ # {',
  'example.org,\n. {',
  '".:53" {',
]
for (const root of ROOTS) {
  test(`lines of overrides go into the block ${JSON.stringify(root)}`, () => {
    const template = `cluster.local {\n  a {\n  }\n}\n(snippet) {\n}\n${root}\n    b\n}\n`
    assert.equal(
      render(template, { overrides: ['/custom/x.override', '/custom/y z.override'] }),
      template.replace(`${root}\n`, `${root}\n    import /custom/x.override\n    import "/custom/y z.override"\n`),
    )
  })
}

test('files of servers come last', () => {
  assert.equal(render('. {\n}', { servers: ['/custom/a.server'] }), '. {\n}\nimport /custom/a.server\n')
})

test('overrides without a root block that pods ask are a mistake', () => {
  for (const template of ['example.org {\n}', 'tls://. {\n}', '.:54 {\n}', 'a {\n  . {\n  }\n}', '']) {
    const [code, line] = codeOf(template, { overrides: ['/custom/x.override'] })
    assert.deepEqual([code, line], ['no-root-block', 1])
  }
})

test('examples of the codes about templates produce them', () => {
  assert.equal(
    codeOf(AGENT_CODES['unknown-upstream-service'].example, { upstreamService: undefined })[0],
    'unknown-upstream-service',
  )
  assert.equal(codeOf(AGENT_CODES['no-root-block'].example, { overrides: ['x.override'] })[0], 'no-root-block')
})
