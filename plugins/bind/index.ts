import { isIP } from 'node:net'
import { definePlugin, option, rest, type Token, text } from 'corelet/plugin'

const names = [rest(text('ADDRESS|IFACE'))] as const

/** What one `bind` line asks for. */
interface Line {
  listen: readonly Token[]
  except: readonly Token[]
}

/** Listens on some of the machine's addresses instead of all. */
export default definePlugin({
  name: 'bind',
  summary: 'listens on the given addresses and interfaces only',
  repeat: 'merge',
  directive: {
    args: names,
    options: { except: option('addresses and interfaces to leave out of those of this directive', names) },
    unknown: 'invalid-option',
  },
  errors: {
    'no-address': {
      message: 'at least one address or interface name is expected',
      hint: 'write for example: bind 127.0.0.1 eth0',
      example: '. {\n  bind\n}',
    },
    'no-exception': {
      message: 'at least one address or interface must be given to except subdirective',
      hint: 'write for example: except 127.0.0.1',
      example: '. {\n  bind lo {\n    except\n  }\n}',
    },
    'invalid-option': {
      message: 'invalid option "{0}"',
      hint: '{1}',
      example: '. {\n  bind lo {\n    without 127.0.0.1\n  }\n}',
    },
    'not-an-address': {
      message: 'not a valid IP address or interface name: "{0}"',
      hint: 'interfaces of this machine: {1}',
      example: '. {\n  bind no-such-interface\n}',
    },
    'nothing-left': {
      message: 'no address is left to listen on',
      hint: 'nothing answers for this server block: look at except, and whether the interface has addresses',
      example: '. {\n  bind lo {\n    except lo\n  }\n}',
      severity: 'warning',
    },
  },
  parse(uses, { report }) {
    let failed = false
    const lines = uses.map(({ token, tokens, options: { except } }): Line => {
      if (tokens.length === 0) {
        report(token, 'no-address')
        failed = true
      }
      for (const line of except) {
        if (line.tokens.length > 0) continue
        report(line.token, 'no-exception')
        failed = true
      }
      return { listen: tokens, except: except.flatMap((line) => line.tokens) }
    })
    return failed ? undefined : { directive: uses[0]!.token, lines }
  },
  configure({ directive, lines }, settings, { interfaces, report }) {
    const known = interfaces()
    let failed = false
    const expand = (words: readonly Token[]) =>
      words.flatMap((word) => {
        const addresses = isAddress(word.text) ? [word.text] : known.get(word.text)
        if (!addresses) report(word, 'not-an-address', word.text, [...known.keys()].join(', '))
        failed ||= !addresses
        return addresses ?? []
      })
    settings.bind = lines.flatMap(({ listen, except }) => {
      const without = new Set(expand(except))
      return expand(listen).filter((address) => !without.has(address))
    })
    if (settings.bind.length === 0 && !failed) report(directive, 'nothing-left')
  },
})

function isAddress(word: string): boolean {
  return isIP(word) !== 0 && !word.includes('%')
}
