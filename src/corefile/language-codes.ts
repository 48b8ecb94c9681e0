import type { Codes } from './codes.ts'

/** Diagnostics of the language itself: words, braces, imports, keys, listeners. */
export const LANGUAGE_CODES = {
  'unknown-directive': {
    message: "Unknown directive '{0}'",
    hint: '{1}',
    example: '. {\n  forwrad . 127.0.0.1\n}',
  },
  'unterminated-quote': {
    message: 'the quote is never closed: the rest of the file is one word',
    hint: 'close it with "',
    example: '. {\n  whoami\n}\nexample.org "',
    severity: 'warning',
  },
  'glued-comment': {
    message: 'the comment ends at the next blank because a word stands right before the #',
    hint: 'put a blank before the #',
    example: '. {\n  errors#note log\n}',
    severity: 'warning',
  },
  'endless-variable': {
    message: "replacing the environment variables of '{0}' does not end",
    hint: 'a variable refers to itself',
    example: '{$COREFILE_LOOP} {\n  whoami\n}',
  },
  'extra-comma': {
    message: "Expected another address but had '{' - check for extra comma",
    hint: 'remove the comma or add a zone behind it',
    example: 'example.org, {\n  whoami\n}',
  },
  'unexpected-eof': {
    message: 'Unexpected EOF',
    hint: '{0}',
    example: '. {\n  log {\n    class all\n',
  },
  'missing-brace': {
    message: "Syntax error: Unexpected token '{0}', expecting '}'",
    hint: 'the { on line {1} is not closed',
    example: '. {\n  whoami\n',
  },
  'unclosed-block': {
    message: "Unknown directive '{0}', expecting '}'",
    hint: 'the { on line {1} is not closed: add a } before this line',
    example: 'example.com {\n  whoami\n\nexample.org {\n  whoami\n}\n',
  },
  'nested-too-deep': {
    message: 'blocks are nested more than {0} deep',
    hint: 'the lines of a directive have no blocks of their own',
    example: `. ${'{\n log '.repeat(40)}${'\n}'.repeat(40)}`,
  },
  'missing-final-brace': {
    message: 'the server block is not closed',
    hint: 'add a } for the { on line {0}',
    example: '. {\n  log {\n  }\n',
    severity: 'warning',
  },
  'unexpected-brace': {
    message: "Unexpected '}' because no matching opening brace",
    hint: 'a } that closes a server block stands on a line of its own; remove one that closes nothing',
    example: '. { whoami }',
  },
  'inline-brace': {
    message: "the '}' on the line of '{0}' closes the block and can be taken for an argument",
    hint: 'put the } on a line of its own',
    example: '. {\n  log { class all }\n}',
    severity: 'warning',
  },
  'brace-on-new-line': {
    message: "Unexpected token '{', expecting argument",
    hint: 'the { of a directive stands on its line',
    example: '. {\n  log\n  {\n    class all\n  }\n}',
  },
  'words-after-brace': {
    message: "words behind the block's '}' are read as another '{0}'",
    hint: 'begin a new line behind the }',
    example: '. {\n  log {\n  } example.org\n}',
    severity: 'warning',
  },
  'repeated-import': {
    message: "'{0}' is imported twice into the same block",
    hint: 'import it once',
    example: '(s) {\n  log\n}\n. {\n  import s\n  import s\n}',
    severity: 'warning',
  },
  'block-without-keys': {
    message: 'the block has no zone and is ignored',
    hint: 'write the zones that it is for before the {',
    example: '{\n  whoami\n}',
    severity: 'warning',
  },
  'snippet-redeclared': {
    message: 'redeclaration of previously declared snippet {0}',
    hint: 'it was declared on line {1}',
    example: '(s) {\n}\n(s) {\n}',
  },
  'snippet-without-brace': {
    message: "Syntax error: Unexpected token '{0}', expecting '{'",
    hint: 'a snippet is written (name) { … }',
    example: '(s)\nwhoami',
  },
  'snippet-imports-itself': {
    message: 'maximum snippet import depth (10000) exceeded',
    hint: 'snippet {0} imports itself',
    example: '(s) {\n  import s\n}',
  },
  'import-without-pattern': {
    message: "Wrong argument count or unexpected line ending after 'import'",
    hint: 'usage: import FILE|PATTERN|SNIPPET',
    example: 'import',
  },
  'import-extra-argument': {
    message: 'Import takes only one argument (glob pattern or file)',
    hint: 'write one import line for each file',
    example: 'import a b',
  },
  'import-empty': {
    message: 'Import requires a non-empty filepath',
    hint: 'usage: import FILE|PATTERN|SNIPPET',
    example: 'import ""',
  },
  'import-wildcards': {
    message: 'Glob pattern may only contain one wildcard (*), but has others: {0}',
    hint: 'use at most one * and one ?, and no [ ]',
    example: 'import conf/*/*.conf',
  },
  'import-bad-pattern': {
    message: 'Failed to use import pattern {0}: syntax error in pattern',
    hint: 'a [ needs a ], a \\ something to follow it',
    example: 'import conf[',
  },
  'import-not-found': {
    message: 'File to import not found: {0}',
    hint: '{1}',
    example: '. {\n  import missing\n}',
  },
  'import-nothing': {
    message: 'No files matching import glob pattern: {0}',
    hint: 'nothing is imported until there are such files',
    example: '. {\n  whoami\n}\nimport missing/*.server',
    severity: 'warning',
  },
  'import-unreadable': {
    message: 'Could not import {0}: {1}',
    hint: 'import readable files; for the files of a folder add /*',
    example: '. {\n  whoami\n}\nimport .',
  },
  'import-cycle': {
    message: 'maximum {0} import depth (10000) exceeded',
    hint: '{1} imports itself',
    example: '(a) {\n  import b\n}\n(b) {\n  import a\n}\n. {\n  import a\n}',
  },
  'import-limit': {
    message: 'maximum {0} import depth ({1}) exceeded',
    hint: 'import less',
    example: `(a) {\n${'  import b\n'.repeat(101)}}\n(b) {\n${'  import c\n'.repeat(100)}}\n(c) {\n}\n. {\n  import a\n}`,
  },
} satisfies Codes
