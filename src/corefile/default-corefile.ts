/** The Corefile that is used when there is none, or when it has no server block: root zone, `whoami` and `log`. */
export function defaultCorefile(port: string | number): string {
  return `.:${port} {\n  whoami\n  log\n}\n`
}
