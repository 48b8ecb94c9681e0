/** What V8 measures, as profiles of pprof. */
import type { HeapProfiler, Profiler, Runtime } from 'node:inspector'
import type { Frame, Profile, Sample } from './profile.ts'

/** V8's names for time in which no JavaScript runs. */
const IDLE = '(idle)'
const ROOT = '(root)'

/**
 * A CPU profile: samples and processor time. Time in which the process waits is left out.
 * @param interval microseconds between two samples
 */
export function fromCpuProfile(profile: Profiler.Profile, interval: number, time: number): Profile {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map<number, number>()
  for (const { id, children = [] } of profile.nodes) for (const child of children) parents.set(child, id)
  const spent = new Map<number, { count: number; microseconds: number }>()
  const { samples = [], timeDeltas = [] } = profile
  for (const [i, id] of samples.entries()) {
    const entry = spent.get(id) ?? { count: 0, microseconds: 0 }
    entry.count++
    // A delta is the time since the sample before, which is what ran until then.
    entry.microseconds += Math.max(0, timeDeltas[i + 1] ?? interval)
    spent.set(id, entry)
  }
  const found: Sample[] = []
  for (const [id, { count, microseconds }] of spent) {
    const name = nodes.get(id)?.callFrame.functionName
    if (name === undefined || name === IDLE || name === ROOT) continue
    const frames: Frame[] = []
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = nodes.get(at)?.callFrame
      if (frame && frame.functionName !== ROOT) frames.push(toFrame(frame))
    }
    found.push({ frames, values: [count, Math.round(microseconds * 1000)] })
  }
  return {
    types: [
      { type: 'samples', unit: 'count' },
      { type: 'cpu', unit: 'nanoseconds' },
    ],
    samples: found,
    time,
    duration: (profile.endTime - profile.startTime) / 1000,
    periodType: { type: 'cpu', unit: 'nanoseconds' },
    period: interval * 1000,
  }
}

/**
 * A heap profile: octets in use by where they were allocated, as far as V8 has sampled.
 * @param interval octets between two samples, on average
 */
export function fromHeapProfile({ head }: HeapProfiler.SamplingHeapProfile, interval: number, time: number): Profile {
  const samples: Sample[] = []
  const waiting: { node: HeapProfiler.SamplingHeapProfileNode; callers: readonly Frame[] }[] = [
    { node: head, callers: [] },
  ]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, callers } = next
    const frames = node.callFrame.functionName === ROOT ? callers : [toFrame(node.callFrame), ...callers]
    if (node.selfSize > 0) samples.push({ frames, values: [node.selfSize] })
    for (const child of node.children) waiting.push({ node: child, callers: frames })
  }
  return {
    types: [{ type: 'inuse_space', unit: 'bytes' }],
    samples,
    time,
    duration: 0,
    periodType: { type: 'space', unit: 'bytes' },
    period: interval,
  }
}

function toFrame({ functionName, url, lineNumber }: Runtime.CallFrame): Frame {
  return { name: functionName || '(anonymous)', file: url.replace(/^file:\/\//, ''), line: lineNumber + 1 }
}
