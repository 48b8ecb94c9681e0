/** What a Corefile is once read: server blocks of directives, all imports and variables expanded, each word with its origin. */

/** A place in a file. Lines and columns count from 1; columns and lengths count UTF-16 units. */
export interface Position {
  file: string
  line: number
  column: number
  length: number
  /** The `import` lines that led here, outermost first; empty in the Corefile itself. */
  imports: readonly ImportSite[]
}

export interface ImportSite {
  file: string
  line: number
  column: number
  pattern: string
}

/** One word after quotes were removed and environment variables replaced. */
export interface Token {
  text: string
  position: Position
  /** It is the `}` at the end of a line that closes the directive's block; plugins get it as the line's last argument, as in CoreDNS. */
  closesBlock?: true
}

/** A line of a directive's block: its first word, the rest, and a nested block if there is one. */
export interface Line {
  name: Token
  args: readonly Token[]
  block?: readonly Line[]
}

/** A use of a plugin: `name args… { lines }`. `block` is undefined when there is no brace, empty for `{}`. */
export interface Directive {
  name: Token
  args: readonly Token[]
  block?: readonly Line[]
}

export interface ServerBlock {
  keys: readonly Token[]
  directives: readonly Directive[]
}

export type Severity = 'error' | 'warning'

/** One finding about a Corefile. */
export interface Diagnostic extends Position {
  /** Stable, listed in docs/diagnostics.md: `unknown-directive`, or `cache/bad-ttl` for a plugin's own. */
  code: string
  severity: Severity
  message: string
  hint?: string
  /** Plugin whose directive it is about; CoreDNS puts it in front of the message. */
  plugin?: string
}
