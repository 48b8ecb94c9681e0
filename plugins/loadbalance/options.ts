import {
  type Codes,
  type Line,
  type Network,
  network,
  type ParseScope,
  parseDuration,
  type ReadDirective,
  type Report,
  rest,
  text,
} from 'corelet/plugin'

export type BalanceOptions =
  | {
      policy: 'round_robin'
      /** Networks whose addresses come first, in their order. */
      prefer: readonly Network[]
    }
  | {
      policy: 'weighted'
      file: string
      /** Milliseconds between two looks at the file; 0 looks only once. */
      reload: number
    }

const DEFAULT_RELOAD = 30_000

const example = (text: string) => `. {\n  ${text}\n}`

export const errors = {
  'unknown-policy': {
    message: 'unknown policy: {0}',
    hint: 'policies are round_robin and weighted',
    example: example('loadbalance random'),
  },
  'extra-words': {
    message: 'unknown property for round_robin',
    hint: 'usage: loadbalance [round_robin]',
    example: example('loadbalance round_robin fast'),
  },
  'no-weight-file': {
    message: 'missing weight file argument',
    hint: 'usage: loadbalance weighted WEIGHTFILE',
    example: example('loadbalance weighted'),
  },
  'extra-argument': {
    message: 'unexpected argument(s)',
    hint: 'usage: loadbalance weighted WEIGHTFILE',
    example: example('loadbalance weighted weights more'),
  },
  'no-reload-value': {
    message: 'reload duration value is missing',
    hint: 'usage: reload DURATION',
    example: example('loadbalance weighted weights {\n    reload\n  }'),
  },
  'extra-reload-value': {
    message: 'unexpected argument',
    hint: 'usage: reload DURATION',
    example: example('loadbalance weighted weights {\n    reload 30s 60s\n  }'),
  },
  'bad-reload': {
    message: "invalid reload duration '{0}'",
    hint: 'write a number with a unit, for example 30s or 5m, or 0 for never',
    example: example('loadbalance weighted weights {\n    reload often\n  }'),
  },
  'bad-prefer': {
    message: 'invalid CIDR "{0}": invalid CIDR address: {0}',
    hint: 'write networks such as 10.0.0.0/8 or 2001:db8::/32',
    example: example('loadbalance {\n    prefer 10.0.0.1\n  }'),
  },
} satisfies Codes

export const directive = { args: [rest(text('[round_robin | weighted WEIGHTFILE]'))], others: 'keep' } as const

type Use = ReadDirective<typeof directive>

const cidr = network('CIDR', 'bad-prefer')

/** The last use names the policy; networks to prefer add up until a `weighted` forgets them. */
export function parse(uses: readonly Use[], { report }: ParseScope): BalanceOptions | undefined {
  let options: BalanceOptions | undefined = { policy: 'round_robin', prefer: [] }
  let failed = false
  const noting: Report = (...finding) => {
    failed = true
    report(...finding)
  }
  for (const use of uses) {
    const [policy, ...words] = use.tokens
    const known: readonly Network[] = options.policy === 'round_robin' ? options.prefer : []
    if (policy && policy.text !== 'round_robin' && policy.text !== 'weighted') {
      noting(policy, 'unknown-policy', policy.text)
    } else if (policy?.text === 'weighted') {
      if (words.length === 0) noting(policy, 'no-weight-file')
      if (words.length > 1) noting(words[1]!, 'extra-argument')
      options = { policy: 'weighted', file: words[0]?.text ?? '', reload: readReload(use.lines, noting) }
    } else {
      if (words.length > 0) noting(words[0]!, 'extra-words')
      options = { policy: 'round_robin', prefer: [...known, ...use.lines.flatMap((line) => readPrefer(line, noting))] }
    }
  }
  return failed ? undefined : options
}

function readPrefer({ name, args }: Line, report: Report): Network[] {
  if (name.text !== 'prefer') {
    report(name, 'unknown-property', name.text, 'round_robin takes: prefer')
    return []
  }
  if (args.length === 0) report(name, 'wrong-argument-count', 'prefer', 'prefer CIDR...')
  return args.flatMap((token) => {
    const found = cidr.read(token, report)
    if (found && !token.text.includes('/')) report(token, 'bad-prefer', token.text)
    return found ?? []
  })
}

function readReload(lines: readonly Line[], report: Report): number {
  let reload = DEFAULT_RELOAD
  for (const { name, args } of lines) {
    if (name.text !== 'reload') {
      report(name, 'unknown-property', name.text, 'weighted takes: reload')
      continue
    }
    const [word, extra] = args
    if (!word) {
      report(name, 'no-reload-value')
      continue
    }
    if (extra) report(extra, 'extra-reload-value')
    const value = parseDuration(word.text)
    if (typeof value === 'string' || value < 0) report(word, 'bad-reload', word.text)
    else reload = value
  }
  return reload
}
