/**
 * A cache as a file, so that a restart does not begin with an empty one. Numbers are big-endian:
 *
 *     magic, 16 octets · SHA-256 of what the cache was made from · milliseconds since 1970 when it was written (float64)
 *     for each entry, the one used longest ago first:
 *       its octets behind this field (uint32) · length of the name (uint8) · type · class (uint16) · bits (uint8) · name · record
 *     SHA-256 of all that
 *
 * A record is that of record.ts, with the entry's age in milliseconds in place of the time it was stored at.
 */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { type Clock, MAX_TTL, type QuestionOctets } from 'corelet/plugin'
import { type Entry, MAX_BITS } from './entry.ts'
import { decodeRecord, storedAtOf, withStoredAt } from './record.ts'
import type { Store } from './store.ts'

const MAGIC = Buffer.from('corelet cache 1\n')
const DIGEST = 32
const HEAD = MAGIC.length + DIGEST + 8
const ENTRY = 10
/** Octets that are written at a time. */
const CHUNK = 2 ** 16
/** Milliseconds that writing may take: a process that ends can't wait for a slow disk. */
const PATIENCE = 2000

/**
 * Writes a store to a file that takes the place of the one there in one step.
 * @param origin what the store was made from; {@link loadSnapshot} takes no other
 * @returns how many entries it has; undefined when another process, such as a second worker, is writing the file
 * @throws (rejects) Error when it can't be written, or not in time; the file that was there stays
 */
export async function saveSnapshot(
  path: string,
  store: Store,
  origin: string,
  clock: Clock,
): Promise<number | undefined> {
  const temporary = `${path}.tmp`
  if (await isBeingWritten(temporary, clock)) return undefined
  const end = clock.monotonic() + PATIENCE
  const file = await open(temporary, 'wx', 0o600)
  try {
    let count = 0
    try {
      const digest = createHash('sha256')
      const write = async (octets: Uint8Array) => {
        if (clock.monotonic() > end) throw new Error(`not written within ${PATIENCE / 1000} s`)
        digest.update(octets)
        await file.writeFile(octets)
      }
      let chunk: Uint8Array[] = [toHead(origin, clock)]
      let size = 0
      for (const { question, bits, octets } of store.records(clock.monotonic())) {
        const entry = toEntry(question, bits, octets, clock.monotonic())
        chunk.push(entry)
        size += entry.length
        count++
        if (size < CHUNK) continue
        await write(Buffer.concat(chunk))
        chunk = []
        size = 0
      }
      await write(Buffer.concat(chunk))
      await file.writeFile(digest.digest())
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    return count
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** A file that is older than writing may take was left behind by a process that was killed. */
async function isBeingWritten(temporary: string, clock: Clock): Promise<boolean> {
  const { mtimeMs } = await stat(temporary).catch(() => ({ mtimeMs: -Infinity }))
  if (Math.abs(clock.wall() - mtimeMs) < 2 * PATIENCE) return true
  await rm(temporary, { force: true })
  return false
}

function toHead(origin: string, clock: Clock): Buffer {
  const head = Buffer.alloc(HEAD)
  MAGIC.copy(head)
  digestOf(Buffer.from(origin)).copy(head, MAGIC.length)
  head.writeDoubleBE(clock.wall(), HEAD - 8)
  return head
}

function toEntry({ packet, qtype, qclass }: QuestionOctets, bits: number, octets: Uint8Array, now: number): Buffer {
  const name = packet.subarray(12, -4)
  const entry = Buffer.alloc(ENTRY + name.length + octets.length)
  entry.writeUInt32BE(entry.length - 4)
  entry[4] = name.length
  entry.writeUInt16BE(qtype, 5)
  entry.writeUInt16BE(qclass, 7)
  entry[9] = bits
  entry.set(name, ENTRY)
  entry.set(withStoredAt(octets, now - storedAtOf(octets)), ENTRY + name.length)
  return entry
}

/**
 * Fills a store with what a file holds, less the time that has passed since by the wall clock. A clock that was set back makes no entry
 * younger than it was.
 * @param origin what the store was made from
 * @param maxBytes octets that the file may have
 * @returns how many entries it has; undefined without a file
 * @throws Error when the file is no good; the store is as it was
 */
export function loadSnapshot(
  path: string,
  store: Store,
  origin: string,
  clock: Clock,
  maxBytes: number,
): number | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) return undefined
  if (!found.isFile()) throw new Error('not a file')
  if (found.size > maxBytes) throw new Error('larger than max_bytes')
  const octets = readFileSync(path)
  const end = octets.length - DIGEST
  if (end < HEAD || !octets.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('no snapshot of a cache')
  if (!digestOf(octets.subarray(0, end)).equals(octets.subarray(end))) throw new Error('damaged')
  if (
    !octets
      .subarray(MAGIC.length)
      .subarray(0, DIGEST)
      .equals(digestOf(Buffer.from(origin)))
  ) {
    throw new Error('of a cache with other options')
  }
  const elapsed = Math.max(0, clock.wall() - octets.readDoubleBE(HEAD - 8))
  const entries = readEntries(octets.subarray(HEAD, end))
  const now = clock.monotonic()
  for (const { question, bits, record, rcode, part, ttl, positive } of entries) {
    const storedAt = now - storedAtOf(record) - elapsed
    store.add(question, bits, rcode, { part, ttl, storedAt, positive }, withStoredAt(record, storedAt))
  }
  return entries.length
}

/** Not the entry itself: all of them are there at once. */
interface SavedEntry extends Pick<Entry, 'rcode' | 'part' | 'ttl' | 'positive'> {
  question: QuestionOctets
  bits: number
  record: Uint8Array
}

/** @throws Error when one of them can't be one */
function readEntries(octets: Buffer): SavedEntry[] {
  const entries: SavedEntry[] = []
  for (let at = 0; at < octets.length; ) {
    const end = at + 4 + octets.readUInt32BE(at)
    const name = at + ENTRY + octets.readUInt8(at + 4)
    if (end > octets.length || name > end) throw new RangeError('an entry longer than the file')
    const packet = new Uint8Array(12 + name - at - ENTRY + 4)
    packet.set(octets.subarray(at + ENTRY, name), 12)
    const question = {
      packet,
      questionEnd: packet.length,
      qtype: octets.readUInt16BE(at + 5),
      qclass: octets.readUInt16BE(at + 7),
    }
    const record = new Uint8Array(octets.subarray(name, end))
    const bits = octets[at + 9]!
    const entry = decodeRecord(record)
    const isSound = storedAtOf(record) >= 0 && entry.ttl <= MAX_TTL && bits <= MAX_BITS && entry.answers(question)
    if (!isSound) throw new RangeError('an entry that can not be')
    const { rcode, part, ttl, positive } = entry
    entries.push({ question, bits, record, rcode, part, ttl, positive })
    at = end
  }
  return entries
}

function digestOf(octets: Uint8Array): Buffer {
  return createHash('sha256').update(octets).digest()
}
