import type { Code } from '../corefile/codes.ts'

/** A code of the node agent; the example is the content of the file that it is about, empty for one that is not there. */
interface AgentCode extends Code {
  /** The key of the ConfigMap that the example is the value of; `Corefile.base` for the template. */
  key: string
}

/**
 * Diagnostics about what the agent makes a Corefile from: the template and the kube-dns ConfigMap. Errors keep the last Corefile as it is.
 */
export const AGENT_CODES = {
  'unreadable-template': {
    message: 'the Corefile template cannot be read: {0}',
    hint: 'mount the ConfigMap with the Corefile there, or name the file with -basecorefile',
    key: 'Corefile.base',
    example: '',
  },
  'unknown-upstream-service': {
    message: 'the Corefile uses __PILLAR__CLUSTER__DNS__, but the address of the service {0} is not known',
    hint: 'the service must be in the namespace of the pod and older than it (variable {1}); or give its address, or a file with that, with -upstreamsvc',
    key: 'Corefile.base',
    example: '.:53 {\n  forward . __PILLAR__CLUSTER__DNS__\n}\n',
  },
  'no-root-block': {
    message: 'there is no server block for . that {0} could be part of',
    hint: 'an .override file adds lines to the block of the root zone; a .server file adds blocks',
    key: 'Corefile.base',
    example: 'cluster.local:53 {\n  whoami\n}\n',
  },
  'forced-tcp': {
    severity: 'warning',
    message: 'the nameservers of the kube-dns ConfigMap are asked over TCP only',
    hint: 'few of them answer over TCP; take force_tcp out of the template',
    key: 'Corefile.base',
    example: '.:53 {\n  forward . __PILLAR__UPSTREAM__SERVERS__ {\n    force_tcp\n    max_fails 0\n  }\n}\n',
  },
  'bad-json': {
    message: '{0}',
    hint: 'write {1}',
    key: 'stubDomains',
    example: '{"example.org": ["192.0.2.53"]',
  },
  'bad-shape': {
    message: '{0} is not {1}',
    hint: 'write {2}',
    key: 'stubDomains',
    example: '{"example.org": "192.0.2.53"}',
  },
  'bad-stub-domain': {
    message: "'{0}' is not a domain name",
    hint: 'a stub domain has lower-case letters, digits, hyphens and dots',
    key: 'stubDomains',
    example: '{"Example_Org": ["192.0.2.53"]}',
  },
  'bad-nameserver': {
    message: "'{0}' is not the address of a nameserver",
    hint: 'write an IP address, with :PORT behind it when it is not 53',
    key: 'upstreamNameservers',
    example: '["192.0.2.53", "dns.example.org"]',
  },
  'too-many-nameservers': {
    message: 'upstreamNameservers has {0} addresses',
    hint: 'at most three are taken',
    key: 'upstreamNameservers',
    example: '["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]',
  },
  'bad-federation': {
    message: "'{0}' is not a federation",
    hint: 'write NAME=DOMAIN, several with commas between them; federations have no effect any more',
    key: 'federations',
    example: 'only-a-name',
  },
} as const satisfies Record<string, AgentCode>
