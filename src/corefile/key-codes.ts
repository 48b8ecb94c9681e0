import type { Codes } from './codes.ts'

/** Diagnostics of keys and of what several server blocks listen on. */
export const KEY_CODES = {
  'key-without-port': {
    message: 'error inspecting server blocks: expecting data after last colon: "{0}"',
    hint: 'write a port behind the colon or remove it',
    example: 'example.org: {\n  whoami\n}',
  },
  'zone-too-long': {
    message: 'error inspecting server blocks: specified zone is too long: {0} > 255',
    hint: 'a domain name has at most 255 octets',
    example: `${'abcdefghi.'.repeat(26)} {\n  whoami\n}`,
  },
  'key-bad-zone': {
    message: 'error inspecting server blocks: zone is not a valid domain name: {0}',
    hint: 'a key is [TRANSPORT://]ZONE[:PORT], for example .:53, example.org or 10.0.0.0/8',
    example: ':53 {\n  whoami\n}',
  },
  'key-bad-network': {
    message: 'error inspecting server blocks: invalid CIDR {0}',
    hint: 'write the reverse zone as a name below ip6.arpa',
    example: '::/8 {\n  whoami\n}',
  },
  'key-bad-port': {
    message: 'address {1}: invalid port {0}',
    hint: 'a port is a number from 0 to 65535; 0 lets the system choose',
    example: '.:65536 {\n  whoami\n}',
  },
  'scheme-without-server': {
    message: '{0} makes no server',
    hint: 'use one of dns, tls, quic, https, https3, grpc',
    example: 'unix://example.org {\n  whoami\n}',
    severity: 'warning',
  },
  'unknown-scheme': {
    message: "'{0}' is no transport: the zone is named {1}",
    hint: 'did you mean {2}?',
    example: 'udp://.:53 {\n  whoami\n}',
    severity: 'warning',
  },
  'port-not-a-number': {
    message: "'{0}' is no port number: it is part of the zone's name {1}",
    hint: 'write the port as a number',
    example: 'example.org:dns {\n  whoami\n}',
    severity: 'warning',
  },
  'address-as-zone': {
    message: '{0} is taken for a domain name, not for an address',
    hint: 'to listen on an address use bind; for a reverse zone write a network such as 10.0.0.0/24',
    example: '127.0.0.1 {\n  whoami\n}',
    severity: 'warning',
  },
  'network-as-zone': {
    message: '{0} is taken for a domain name, not for a network',
    hint: 'a network is ADDRESS/BITS, at most /32 for IPv4 and /128 for IPv6, without a final dot',
    example: '10.0.0.0/33 {\n  whoami\n}',
    severity: 'warning',
  },
  'comma-in-zone': {
    message: "'{0}' is one zone whose name has a comma in it",
    hint: 'put a blank behind the comma',
    example: 'example.com,example.org {\n  whoami\n}',
    severity: 'warning',
  },
  'brace-in-zone': {
    message: "the brace in '{0}' belongs to the name of the zone",
    hint: 'put a blank before the {',
    example: 'example.org{\n  whoami\n}',
    severity: 'warning',
  },
  'zone-not-ascii': {
    message: "'{0}' is not ASCII, and names in queries are",
    hint: 'write {1}',
    example: 'bücher.example {\n  whoami\n}',
    severity: 'warning',
  },
  'already-defined': {
    message: 'cannot serve {0} - it is already defined',
    hint: 'it is on line {1} of {2}; merge the blocks, or give them different zones, ports, addresses or views',
    example: 'example.org {\n  whoami\n}\nexample.org {\n  whoami\n}',
  },
  'view-behind-all': {
    message: 'no query for {0} reaches this block: the one on line {1} of {2} has no view and takes them all',
    hint: 'put blocks with a view before the one without',
    example:
      "example.org {\n  whoami\n}\nexample.org {\n  view office {\n    expr incidr(client_ip(), '10.0.0.0/8')\n  }\n  whoami\n}",
    severity: 'warning',
  },
  'zone-overlap': {
    message: 'cannot serve {0} - zone overlap listener capacity with {1}',
    hint: 'use bind in both blocks or in none',
    example: 'example.org {\n  whoami\n}\nexample.org {\n  bind 127.0.0.1\n  whoami\n}',
  },
} satisfies Codes
