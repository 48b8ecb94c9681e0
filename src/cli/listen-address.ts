import type { HostPort } from '../plugin/index.ts'

/** Reads `HOST:PORT`, `[IPv6]:PORT` or `:PORT`; undefined for all else. */
export function readListenAddress(text: string): HostPort | undefined {
  const [, bracketed, plain = '', port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  if (port === '' || Number(port) > 0xffff) return undefined
  return { host: bracketed ?? plain, port: Number(port) }
}
