import { definePlugin, MAX_NAME, type Query, type ResourceRecord } from 'corelet/plugin'

/** Answers every query with the client's address, port and protocol, in the additional section. */
export default definePlugin({
  name: 'whoami',
  summary: 'answers with the address, port and protocol of the client',
  repeat: 'last',
  directive: { args: [] },
  start: () =>
    function whoami(query) {
      return query.reply({ authoritative: true, additionals: describeClient(query) }, 'whoami', 'client described')
    },
})

function describeClient(query: Query): ResourceRecord[] {
  const { address, port } = query.client
  const owner = query.qname
  const label = `_${query.proto}.`
  const common = { class: query.class, ttl: 0 }
  const host: ResourceRecord = {
    name: owner,
    type: query.family === 1 ? 'A' : 'AAAA',
    ...common,
    data: address.replace(/%.*/, ''),
  }
  if (query.key.length + label.length > MAX_NAME) return [host]
  const service = owner === '.' ? label : label + owner
  return [host, { name: service, type: 'SRV', ...common, data: { priority: 0, weight: 0, port, target: '.' } }]
}
