/** The web configuration of Prometheus' exporter toolkit, as far as it concerns TLS. */

export interface WebConfig {
  /** Relative to the configuration. */
  certFile: string
  keyFile: string
  clientCaFile: string | undefined
  clientAuth: 'none' | 'require-and-verify'
  minVersion: 'TLSv1.2' | 'TLSv1.3'
}

const TLS_SECTION = 'tls_server_config'

/** By name in the file. Asking for a certificate without checking it is the same as not asking. */
const CLIENT_AUTH: Record<string, WebConfig['clientAuth']> = {
  NoClientCert: 'none',
  RequestClientCert: 'none',
  RequireAndVerifyClientCert: 'require-and-verify',
}

const MIN_VERSIONS: Record<string, WebConfig['minVersion']> = { TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' }

/**
 * Reads a web configuration. What is not understood is refused, since ignoring it could open what it was to close.
 * @throws Error that names the line and what is wrong with it
 */
export function parseWebConfig(yaml: string): WebConfig {
  const settings = readSettings(yaml)
  const take = (key: string): string | undefined => {
    const value = settings.get(key)
    settings.delete(key)
    return value
  }
  const certFile = take(`${TLS_SECTION}.cert_file`)
  const keyFile = take(`${TLS_SECTION}.key_file`)
  const clientCaFile = take(`${TLS_SECTION}.client_ca_file`)
  const authType = take(`${TLS_SECTION}.client_auth_type`) ?? 'NoClientCert'
  const minVersion = take(`${TLS_SECTION}.min_version`) ?? 'TLS12'
  take('http_server_config.http2')
  for (const key of settings.keys()) throw new Error(`web config: ${key} is not supported`)
  if (certFile === undefined || keyFile === undefined) {
    throw new Error(`web config: ${TLS_SECTION} needs cert_file and key_file`)
  }
  const clientAuth = lookUp(CLIENT_AUTH, 'client_auth_type', authType)
  if ((clientAuth === 'none') !== (clientCaFile === undefined)) {
    throw new Error('web config: client_ca_file goes together with client_auth_type RequireAndVerifyClientCert')
  }
  return { certFile, keyFile, clientCaFile, clientAuth, minVersion: lookUp(MIN_VERSIONS, 'min_version', minVersion) }
}

function lookUp<T>(table: Record<string, T>, key: string, word: string): T {
  if (Object.hasOwn(table, word)) return table[word]!
  throw new Error(`web config: ${key} ${word} is not supported, use ${Object.keys(table).join(' or ')}`)
}

/**
 * Reads the YAML that such files consist of: sections with indented `key: value` lines, values on one line, plain or quoted,
 * comments. @returns values by `section.key`
 */
function readSettings(yaml: string): Map<string, string> {
  const settings = new Map<string, string>()
  let section: string | undefined
  for (const [index, text] of yaml.split(/\r?\n/).entries()) {
    if (/^\s*(#.*|---\s*)?$/.test(text)) continue
    const match = /^( *)([\w.-]+):(?:\s+(.*))?$/.exec(text)
    const fail = (why: string): never => {
      throw new Error(`web config: line ${index + 1}: ${why}`)
    }
    if (!match) return fail('only `key: value` lines in sections are understood')
    const [, indent, key, rest] = match
    const value = readScalar(rest ?? '')
    if (value === undefined) return fail('only plain and quoted values on one line are understood')
    if (indent === '' && value !== '') return fail(`${key} is no section`)
    if (indent === '') {
      section = key
    } else {
      if (section === undefined) return fail('indented without a section')
      if (settings.has(`${section}.${key}`)) return fail(`${key} is given twice`)
      settings.set(`${section}.${key}`, value)
    }
  }
  return settings
}

/** A scalar without quotes and comment; undefined when it is something else. */
function readScalar(text: string): string | undefined {
  const quoted = /^(?:"([^"\\]*)"|'([^']*)')\s*(?:#.*)?$/.exec(text)
  if (quoted) return quoted[1] ?? quoted[2]
  const plain = text.replace(/(^|\s)#.*$/, '').trim()
  return /^[[{|>&*!"'%@`]/.test(plain) ? undefined : plain
}
