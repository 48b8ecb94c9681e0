import type { Codes } from 'corelet/plugin'

/** Diagnostics of `tls`. */
export const codes: Codes = {
  'configured-twice': {
    message: 'TLS already configured for this server instance',
    hint: 'a server block has one certificate',
    example: 'tls://. {\n  tls a.crt a.key\n  tls b.crt b.key\n}',
  },
  'unknown-client-auth': {
    message: "unknown authentication type '{0}'",
    hint: 'types are nocert, request, require, verify_if_given and require_and_verify',
    example: 'tls://. {\n  tls a.crt a.key {\n    client_auth always\n  }\n}',
  },
  'unknown-option': {
    message: "unknown option '{0}'",
    hint: 'it takes client_auth and keylog',
    example: 'tls://. {\n  tls a.crt a.key {\n    ciphers all\n  }\n}',
  },
  'no-acme': {
    message: 'corelet gets no certificates by ACME',
    hint: 'have cert-manager, certbot or lego write the files and name them: tls CERT KEY; renewed files are taken without a restart',
    example: 'tls://. {\n  tls {\n    acme example.org\n  }\n}',
  },
}
