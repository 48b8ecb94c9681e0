import { definePlugin } from 'corelet/plugin'
import { AccessList } from './access-list.ts'
import { directive, errors, parse } from './options.ts'

/** Lets some clients ask some questions. */
export default definePlugin({
  name: 'acl',
  summary: 'allows, refuses, empties or drops queries by client, type and name',
  repeat: 'merge',
  directive,
  errors,
  parse,
  start(rules, context) {
    const list = new AccessList(rules, context)
    return function acl(query, next) {
      return list.serve(query, next)
    }
  },
})
