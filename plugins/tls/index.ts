import { resolve } from 'node:path'
import { choice, definePlugin, one, option, rest, text } from 'corelet/plugin'
import { Certificate, type CertificateFiles, CLIENT_AUTH } from './certificate.ts'
import { codes } from './codes.ts'
import { KeyLog } from './key-log.ts'

const USAGE = 'tls CERT KEY [CA]'
/** Options of CoreDNS's other form, which gets certificates by itself. */
const ACME = new Set(['acme', 'email', 'ca', 'storage', 'ca_root', 'resolver'])

/** What clients of tls://, https:// and grpc:// are shown. */
export default definePlugin({
  name: 'tls',
  summary: 'gives encrypted listeners their certificate',
  directive: {
    args: [rest(text('FILE'))],
    options: {
      client_auth: option('which certificates clients must show; nocert', [
        one(choice('TYPE', CLIENT_AUTH, { code: 'unknown-client-auth' })),
      ]),
      keylog: option('file that the secrets of all connections are appended to', [one(text('FILE'))]),
    },
    others: 'keep',
  },
  repeat: 'each',
  errors: codes,
  parse([use], { report }) {
    const { token, tokens, options, others } = use!
    const [other] = others
    if (other) return void report(other.name, ACME.has(other.name.text) ? 'no-acme' : 'unknown-option', other.name.text)
    const [cert, key, ca] = tokens.map((word) => word.text)
    if (cert === undefined || key === undefined || tokens.length > 3) {
      const last = tokens.at(-1) ?? token
      return void report(last, 'wrong-argument-count', last.text, USAGE)
    }
    const files: CertificateFiles = { cert, key, ca, clientAuth: options.client_auth.at(-1)?.values[0] ?? 'nocert' }
    return {
      token,
      files,
      keylog: options.keylog.at(-1)?.values[0],
      shown: { current: undefined } as Certificate['shown'],
    }
  },
  configure({ token, shown }, settings, { report }) {
    if (settings.tls) report(token, 'configured-twice')
    settings.tls = shown
  },
  async start({ files, keylog, shown }, context) {
    const { block, log } = context
    const secrets = keylog === undefined ? undefined : new KeyLog(resolve(block.settings.root, keylog), log)
    const certificate = new Certificate(files, shown, secrets?.write, context)
    await certificate.start()
    return {
      stop() {
        certificate.stop()
        secrets?.close()
      },
    }
  },
})
