import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseWebConfig } from './web-config.ts'

const FILES = 'tls_server_config:\n  cert_file: a.pem\n  key_file: b.pem\n'
const PLAIN = {
  certFile: 'a.pem',
  keyFile: 'b.pem',
  clientCaFile: undefined,
  clientAuth: 'none',
  minVersion: 'TLSv1.2',
}

const GOOD: [yaml: string, expected: object][] = [
  [FILES, PLAIN],
  [`---\n# comment\n\n${FILES.replaceAll('\n', '\r\n')}`, PLAIN],
  ['tls_server_config:\n    cert_file: "a.pem" # comment\n    key_file: \'b.pem\'\n', PLAIN],
  [`${FILES}  client_auth_type: NoClientCert\n  min_version: TLS12\nhttp_server_config:\n  http2: true\n`, PLAIN],
  [`${FILES}  client_auth_type: RequestClientCert\n`, PLAIN],
  [`${FILES}  min_version: TLS13\n`, { ...PLAIN, minVersion: 'TLSv1.3' }],
  [
    `${FILES}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: c.pem\n`,
    { ...PLAIN, clientAuth: 'require-and-verify', clientCaFile: 'c.pem' },
  ],
]

const BAD: [yaml: string, reason: RegExp][] = [
  ['', /needs cert_file and key_file/],
  ['tls_server_config:\n  cert_file: a.pem\n', /needs cert_file and key_file/],
  [`${FILES}  client_auth_type: RequireAnyClientCert\n`, /RequireAnyClientCert is not supported/],
  [`${FILES}  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: c\n`, /VerifyClientCertIfGiven is not/],
  [`${FILES}  client_auth_type: __proto__\n`, /__proto__ is not supported/],
  [`${FILES}  client_auth_type: RequireAndVerifyClientCert\n`, /goes together/],
  [`${FILES}  client_ca_file: c.pem\n`, /goes together/],
  [`${FILES}  min_version: TLS10\n`, /min_version TLS10 is not supported/],
  [`${FILES}  cipher_suites: x\n`, /tls_server_config.cipher_suites is not supported/],
  [`${FILES}  cipher_suites:\n  - x\n`, /line 5: only `key: value`/],
  [`${FILES}basic_auth_users:\n  alice: $2y$10$x\n`, /basic_auth_users.alice is not supported/],
  [`${FILES}  cert: |\n    -----BEGIN\n`, /line 4: only plain and quoted/],
  [`${FILES}  key_file: c.pem\n`, /line 4: key_file is given twice/],
  ['cert_file: a.pem\n', /line 1: cert_file is no section/],
  ['  cert_file: a.pem\n', /line 1: indented without a section/],
  ['tls_server_config: {cert_file: a.pem}\n', /line 1: only plain and quoted/],
  ['tls_server_config\n', /line 1: only `key: value`/],
]

for (const [yaml, expected] of GOOD) {
  test(`reads ${JSON.stringify(yaml)}`, () => assert.deepEqual(parseWebConfig(yaml), expected))
}

for (const [yaml, reason] of BAD) {
  test(`refuses ${JSON.stringify(yaml)}`, () => assert.throws(() => parseWebConfig(yaml), reason))
}
