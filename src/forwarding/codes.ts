import type { Code } from '../plugin/index.ts'

const NOT_NEGATIVE = 'write 0 or more'

const inBlock = (head: string, line: string) => `. {\n  ${head} 127.0.0.1 {\n    ${line}\n  }\n}`

/**
 * Diagnostics of a plugin that asks upstreams one after the other, beside {@link upstreamCodes}.
 * @param head the words of its directive up to the first TO, for the examples
 */
export function attemptCodes(head: string) {
  const withOption = (line: string) => inBlock(head, line)
  return {
    'unknown-policy': {
      message: "unknown policy '{0}'",
      hint: 'policies are random, round_robin and sequential',
      example: withOption('policy best'),
    },
    'failover-noerror': {
      message: 'NoError cannot be used in failover',
      hint: 'list rcodes of failures, such as SERVFAIL or REFUSED',
      example: withOption('failover NOERROR'),
    },
  } satisfies Record<string, Code>
}

/**
 * Diagnostics of a plugin that asks upstreams.
 * @param name of the plugin
 * @param head the words of its directive up to the first TO, for the examples
 */
export function upstreamCodes(name: string, head: string) {
  const withOption = (line: string) => inBlock(head, line)
  return {
    'transport-not-supported': {
      message: `'{0}' is not supported as a destination protocol in ${name}: {1}`,
      hint: `${name} asks over dns:// (UDP and TCP), tls:// and https://`,
      example: `. {\n  ${head} quic://127.0.0.1\n}`,
    },
    'path-not-allowed': {
      message: 'paths are not allowed in HTTPS upstream addresses: {0}',
      hint: 'write https://HOST or https://HOST:PORT; the path is always /dns-query',
      example: `. {\n  ${head} https://127.0.0.1/dns-query\n}`,
    },
    'bad-destination': {
      message: 'not an IP address, file, or valid domain: "{0}"',
      hint: 'write an address (10.0.0.10, [2001:db8::1]:5353, tls://9.9.9.9%dns.quad9.net), a file such as /etc/resolv.conf, or a host name',
      example: `. {\n  ${head} not_a_port:dns\n}`,
    },
    'too-many-destinations': {
      message: 'more than 15 TOs configured: {0}',
      hint: 'list at most 15; a file in the form of resolv.conf counts once',
      example: `. {\n  ${head}${Array.from({ length: 16 }, (_, i) => ` 127.0.0.${i + 1}`).join('')}\n}`,
    },
    'two-server-names': {
      message: "both forward ('{0}') and proxy level ('{1}') TLS servernames are set",
      hint: 'drop tls_servername, or write it behind each address as tls://IP%NAME',
      example: `. {\n  ${head} tls://127.0.0.1%a.example {\n    tls_servername b.example\n  }\n}`,
    },
    'expire-negative': {
      message: "expire can't be negative: {0}",
      hint: NOT_NEGATIVE,
      example: withOption('expire -1s'),
    },
    'max-age-negative': {
      message: "max_age can't be negative: {0}",
      hint: NOT_NEGATIVE,
      example: withOption('max_age -1s'),
    },
    'max-age-below-expire': {
      message: 'max_age ({0}) must not be less than expire ({1})',
      hint: 'raise max_age or lower expire',
      example: withOption('max_age 5s'),
    },
    'max-idle-conns-negative': {
      message: "max_idle_conns can't be negative: {0}",
      hint: NOT_NEGATIVE,
      example: withOption('max_idle_conns -1'),
    },
    'read-timeout-not-positive': {
      message: 'read_timeout must be positive: {0}',
      hint: 'write a duration above 0, such as 2s',
      example: withOption('read_timeout 0s'),
    },
    'health-check-negative': {
      message: "health_check can't be negative: {0}",
      hint: NOT_NEGATIVE,
      example: withOption('health_check -1s'),
    },
    'health-check-option': {
      message: 'health_check: unknown option {0}',
      hint: 'behind the interval it takes no_rec and domain FQDN',
      example: withOption('health_check 1s norec'),
    },
    'health-check-domain': {
      message: 'health_check: invalid domain name {0}',
      hint: 'write a domain name such as example.org.',
      example: withOption('health_check 1s domain a..b'),
    },
    'max-concurrent-negative': {
      message: "max_concurrent can't be negative: {0}",
      hint: NOT_NEGATIVE,
      example: withOption('max_concurrent -1'),
    },
    'bad-resolver': {
      message: 'resolver must be an IP address or IP:port: {0}',
      hint: 'write an address such as 10.0.0.10 or [2001:db8::1]:53',
      example: withOption('resolver dns.example'),
    },
  } satisfies Record<string, Code>
}
