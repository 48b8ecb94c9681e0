import { parseRecord, type ResourceRecord } from 'corelet/plugin'
import type { Answer } from './answer-cache.ts'

/** Octets and records that an answer of the service may have. */
const MOST_OCTETS = 64 * 1024
const MOST_RECORDS = 200

/**
 * Asks the service: `GET URL?name=example.org.&type=A`. It answers with JSON, `{ "rcode": 0, "records": ["example.org. 60 IN A 192.0.2.1"] }`;
 * `rcode` may be left out.
 * @returns what it said, and for how many milliseconds that may be kept: the lowest TTL, `ttl` at most
 * @throws (rejects) Error when it takes longer than `timeout` milliseconds or says something else
 */
export async function askService(
  url: string,
  name: string,
  type: string,
  { timeout, ttl }: { timeout: number; ttl: number },
): Promise<Answer> {
  const target = new URL(url)
  target.searchParams.set('name', name)
  target.searchParams.set('type', type)
  const response = await fetch(target, { signal: AbortSignal.timeout(timeout), redirect: 'error' })
  if (!response.ok) throw new Error(`the service answered with status ${response.status}`)
  const said: unknown = JSON.parse(await readText(response))
  const { rcode = 0, records = [] } = (said ?? {}) as { rcode?: unknown; records?: unknown }
  if (typeof rcode !== 'number' || !(rcode >= 0 && rcode <= 15)) throw new Error('the service gave no rcode')
  if (!Array.isArray(records) || records.length > MOST_RECORDS) throw new Error('the service gave no list of records')
  const answers = records.map((record): ResourceRecord => parseRecord(String(record)))
  return { rcode, answers, lifetime: Math.min(ttl, ...answers.map((record) => record.ttl * 1000)) }
}

/** The body of a response. @throws (rejects) Error when it is too long */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let octets = 0
  for await (const chunk of response.body ?? []) {
    octets += chunk.length
    if (octets > MOST_OCTETS) throw new Error(`the service said more than ${MOST_OCTETS} octets`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
