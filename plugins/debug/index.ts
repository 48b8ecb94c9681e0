import { definePlugin } from 'corelet/plugin'

/** Writes DEBUG lines and leaves thrown errors uncaught, for hunting bugs. */
export default definePlugin({
  name: 'debug',
  summary: 'writes DEBUG lines and leaves errors that plugins throw uncaught',
  repeat: 'last',
  directive: { args: [] },
  configure(_options, settings) {
    settings.debug = true
  },
})
