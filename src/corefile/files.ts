/** How the language reads files; it does no I/O of its own. */
export interface FileAccess {
  /** Absolute path of `path` as written in the file `from`: relative paths start at that file's folder. */
  resolve(from: string, path: string): string
  /** Text of the file at an absolute path, or why there is none. */
  readFile(path: string): FileText
  /** Sorted absolute paths that match, as Go's filepath.Glob finds them; undefined when the pattern is malformed. */
  glob(pattern: string): readonly string[] | undefined
}

/** `error` is in the operating system's words: `no such file or directory`. */
export type FileText = { text: string } | { error: string }

/** A FileAccess without files: every import but that of snippets fails. */
export const noFiles: FileAccess = {
  resolve: (_from, path) => path,
  readFile: () => ({ error: 'no such file or directory' }),
  glob: () => [],
}
