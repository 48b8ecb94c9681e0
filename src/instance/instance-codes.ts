import type { Code } from '../corefile/codes.ts'

/** Diagnostics about plugins as such. `pluginConfig` is the plugin.cfg beside the example. */
export const INSTANCE_CODES = {
  'no-action': {
    message: "no action found for directive '{0}' with server type 'dns' (missing a plugin?)",
    hint: '{1}',
    example: '. {\n  nomad\n}',
  },
  'no-server-block': {
    message: 'the Corefile has no server block: the default one is used, whoami and log for all names',
    hint: 'a server block is a zone, such as .:53, with its plugins in braces',
    example: '# nothing\n',
    severity: 'warning',
  },
  'no-transport': {
    message: 'corelet does not serve {0}://: Node.js has no QUIC to build it on',
    hint: 'serve tls:// (DNS over TLS) or https:// (DNS over HTTPS) instead; clients of both are everywhere',
    example: 'quic://. {\n  whoami\n}',
  },
  'plugin-config-unreadable': {
    message: 'the plugin list {0} cannot be read: {1}',
    hint: 'corelet must be able to read it, or it must not be there',
    example: '. {\n  whoami\n}',
    pluginConfig: undefined,
  },
  'plugin-config-line': {
    message: "'{0}' is not a line of a plugin list",
    hint: 'write name:package, where package is a built-in plugin, an npm package or a path such as ./plugin.ts',
    example: '. {\n  whoami\n}',
    pluginConfig: 'whoami:whoami\nlog\n',
  },
  'plugin-listed-twice': {
    message: "plugin '{0}' is listed twice",
    hint: 'it was listed on line {1}; its place in the list is its place in the chain',
    example: '. {\n  whoami\n}',
    pluginConfig: 'whoami:whoami\nlog:log\nwhoami:whoami\n',
  },
  'plugin-config-option': {
    message: "'{0}' is no option of a plugin list",
    hint: 'behind the package of a plugin from outside may stand timeout=2s and breaker=5/30s',
    example: '. {\n  whoami\n}',
    pluginConfig: 'whoami:whoami\nmine:./mine.ts timeout=soon\n',
  },
  'plugin-config-limits': {
    message: "the built-in plugin '{0}' takes no options in a plugin list",
    hint: 'timeout and breaker guard against plugins from outside',
    example: '. {\n  whoami\n}',
    pluginConfig: 'whoami:whoami timeout=2s\n',
  },
  'plugin-unknown': {
    message: "there is no plugin '{0}', neither built in nor installed as a package",
    hint: '{1}',
    example: '. {\n  whoami\n}',
    pluginConfig: 'log:lgo\nwhoami:whoami\n',
  },
  'plugin-forbidden': {
    message: "plugin '{0}' comes from outside ({1}), which is forbidden",
    hint: 'the server runs with -builtin-plugins-only; the built-in plugins can still be put into another order',
    example: '. {\n  mine\n}',
    pluginConfig: 'mine:./mine.ts\n',
  },
  'plugin-version': {
    message: '{1} needs corelet {2}, and this is {3}',
    hint: "take a version of the plugin '{0}' that is made for this corelet; ranges are written as npm writes them, such as ^0.1.0",
    example: '. {\n  mine\n}',
    pluginConfig: 'mine:./needs-another-version.ts\n',
  },
  'plugin-not-loaded': {
    message: "plugin '{0}' cannot be loaded from {1}: {2}{3}",
    hint: 'paths and packages are looked up from the folder of the plugin list',
    example: '. {\n  mine\n}',
    pluginConfig: 'mine:./missing.ts\n',
  },
  'not-a-plugin': {
    message: '{1} is not a plugin: {2}',
    hint: 'its default export is what definePlugin of corelet/plugin returns',
    example: '. {\n  mine\n}',
    pluginConfig: 'mine:node:path\n',
  },
  'plugin-misnamed': {
    message: "{1} is the plugin '{2}', not '{0}'",
    hint: 'list it by its own name, which is its directive',
    example: '. {\n  mine\n}',
    pluginConfig: 'mine:whoami\n',
  },
  'plugin-threw': {
    message: '{1}',
    hint: "this is a mistake in the plugin '{0}'",
    example: '. {\n  mine\n}',
    pluginConfig: 'mine:./throws-in-parse.ts\n',
  },
} satisfies Record<string, Code & { pluginConfig?: string | undefined }>
