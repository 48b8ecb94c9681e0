import { stat } from 'node:fs/promises'
import { definePlugin, one, text } from 'corelet/plugin'

/** Sets the folder that relative paths in the block start from. */
export default definePlugin({
  name: 'root',
  summary: 'sets the folder that relative paths start from',
  repeat: 'last',
  directive: { args: [one(text('PATH'))], options: {} },
  parse: ([use]) => ({ path: use!.values[0] }),
  configure({ path }, settings) {
    settings.root = path
  },
  async start({ path }, { log }) {
    try {
      await stat(path)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT') throw new Error(`unable to access root path '${path}': ${message}`, { cause: error })
      log.warning(`Root path does not exist: ${path}`)
    }
    return undefined
  },
})
