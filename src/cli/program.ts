import { extname, join } from 'node:path'

/** Path of a file of this folder that is run as a program: TypeScript here, JavaScript in the npm package. */
export function programFile(name: string): string {
  return join(import.meta.dirname, name + extname(import.meta.filename))
}
