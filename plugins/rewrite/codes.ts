import type { Codes } from 'corelet/plugin'

const rule = (words: string) => `. {\n  rewrite ${words}\n}`
const NAME_HINT = 'name [exact|prefix|suffix|substring|regex] FROM TO [answer …]'
const ANSWER_HINT = 'behind FROM and TO: answer auto, answer name REGEX TO, answer value REGEX TO'

/** Diagnostics of `rewrite`. */
export const codes = {
  'no-rule-type': {
    message: 'no rule type specified for rewrite',
    hint: 'rules begin with name, type, class, ttl, rcode, cname or edns0',
    example: '. {\n  rewrite\n}',
  },
  'mode-alone': {
    message: '{0} rule must begin with a rule type',
    hint: 'write the rule behind {0}: name, type, class, ttl, rcode, cname or edns0',
    example: rule('continue'),
  },
  'invalid-rule-type': {
    message: 'invalid rule type "{0}"',
    hint: '{1}',
    example: rule('nam a b'),
  },
  'answer-first': {
    message: 'response rewrites must begin with a name rule',
    hint: 'write the answer part behind a name rule: name FROM TO answer …',
    example: rule('answer name a b'),
  },
  'wrong-number': {
    message: '{0} rules must have exactly two arguments',
    hint: 'write {0} FROM TO',
    example: rule('type A'),
  },
  'invalid-type': {
    message: 'invalid {0} "{1}"',
    hint: 'write a mnemonic, such as A or AAAA for a type, IN or CH for a class',
    example: rule('type A NOPE'),
  },
  'too-few-arguments': {
    message: 'too few arguments for a {0} rule',
    hint: '{1}',
    example: rule('name a'),
  },
  'too-many-arguments': {
    message: 'many few arguments for a {0} rule',
    hint: '{1}',
    example: rule('ttl exact a 30 40'),
  },
  'unknown-match': {
    message: '{0} rule supports only exact, prefix, suffix, substring, and regex name matching, received: {1}',
    hint: 'use one of those words, or none for exact',
    example: rule('name begins a b'),
  },
  'exact-arguments': {
    message: 'invalid arguments for exact rule: {0}',
    hint: NAME_HINT,
    example: rule('name exact a b c'),
  },
  'not-answer': {
    message: 'exceeded the number of arguments for a non-answer rule argument for {0} rule',
    hint: ANSWER_HINT,
    example: rule('name exact a b c d'),
  },
  'answer-type-missing': {
    message: 'type missing for answer rule',
    hint: ANSWER_HINT,
    example: rule('name prefix a b answer name a b answer'),
  },
  'answer-arguments': {
    message: '{0} answer rule: 2 arguments required',
    hint: ANSWER_HINT,
    example: rule('name prefix a b answer name c'),
  },
  'answer-type': {
    message: 'invalid type "{0}" for answer rule',
    hint: ANSWER_HINT,
    example: rule('name prefix a b answer owner c d'),
  },
  'answer-auto': {
    message: 'auto name answer rule cannot be combined with explicit name anwer rules',
    hint: 'auto changes names already: leave one of them out',
    example: rule('name prefix a b answer auto answer name c d'),
  },
  'invalid-pattern': {
    message: 'invalid regex matching pattern: {0}: {1}',
    hint: 'regular expressions have the RE2 syntax: no look-around, no back references',
    example: rule('name regex ( b'),
  },
  'too-many-groups': {
    message:
      'the rewrite regex pattern ({0}) uses more subexpressions than its corresponding matching regex pattern ({1})',
    hint: 'each number in braces stands for a part of the pattern in parentheses',
    example: rule('name regex a b-{10}'),
  },
  'bad-name': {
    message: "invalid name '{0}': {1}",
    hint: 'write a domain name',
    example: rule('name a..b c'),
  },
  'invalid-ttl': {
    message: "invalid TTL '{0}' for a ttl rule",
    hint: 'write seconds, MIN-MAX, MIN- or -MAX',
    example: rule('ttl a b'),
  },
  'invalid-rcode': {
    message: "invalid {0} RCODE '{1}'",
    hint: 'write a mnemonic such as NXDOMAIN, or a number from 0 to 23',
    example: rule('rcode a NOPE NXDOMAIN'),
  },
  'cname-arguments': {
    message: 'too few ({0}) arguments for a cname rule',
    hint: 'cname [exact|prefix|suffix|substring|regex] FROM TO',
    example: rule('cname a'),
  },
  'invalid-action': {
    message: 'invalid action: "{0}"',
    hint: 'actions are set, append, replace and unset',
    example: rule('edns0 local put 0xffee abc'),
  },
  'local-arguments': {
    message: 'EDNS0 local rules require three or four args',
    hint: 'edns0 local set|append|replace CODE DATA [revert]',
    example: rule('edns0 local set 0xffee'),
  },
  'nsid-arguments': {
    message: 'EDNS0 NSID rules can accept no more than one arg',
    hint: 'edns0 nsid set|append|replace [revert]',
    example: rule('edns0 nsid set a b'),
  },
  'subnet-arguments': {
    message: 'EDNS0 subnet rules require three or four args',
    hint: 'edns0 subnet set|append|replace V4LEN V6LEN [revert]',
    example: rule('edns0 subnet set 24'),
  },
  'unset-arguments': {
    message: '{0} unset action requires exactly two arguments',
    hint: 'write edns0 {0} unset, and the code for local',
    example: rule('edns0 local unset'),
  },
  'not-revert': {
    message: 'invalid argument "{0}", want revert',
    hint: 'the word behind the rule is revert, or there is none',
    example: rule('edns0 local set 0xffee abc undo'),
  },
  'invalid-code': {
    message: 'invalid EDNS0 option code: {0}',
    hint: 'write a number from 0 to 65535, 0x in front for hexadecimal',
    example: rule('edns0 local set 70000 abc'),
  },
  'invalid-data': {
    message: 'invalid hexadecimal data: {0}',
    hint: 'write two digits for each octet behind 0x',
    example: rule('edns0 local set 0xffee 0xabc'),
  },
  'unknown-variable': {
    message: 'unsupported variable name "{0}"',
    hint: 'variables are qname, qtype, client_ip, client_port, protocol, server_ip, server_port and metadata PLUGIN/NAME',
    example: rule('edns0 local set 0xffee {name}'),
  },
  'invalid-mask': {
    message: 'invalid {0} bit mask length {1}',
    hint: 'an IPv4 prefix has at most 32 bits, an IPv6 one at most 128',
    example: rule('edns0 subnet set 33 56'),
  },
  'block-behind-rule': {
    message: "Wrong argument count or unexpected line ending after '{'",
    hint: 'write the rule on one line, or all of it in braces',
    example: '. {\n  rewrite name a b {\n    answer auto\n  }\n}',
  },
} satisfies Codes
