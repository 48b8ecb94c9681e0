/**
 * Writes docs/hit-path.svg: where the processor's time goes under the load of cached answers, as a flame graph of Node's own profiler.
 * System calls stand under the functions that make them; frames that take less than a half percent are left out.
 *
 * node test/bench/flame.ts [--server corelet] [--load hit] [--seconds 4] [--out docs/hit-path.svg] [--list]
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../kit/sources.ts'
import { createLoad } from './loads.ts'
import { measure, startUpstream } from './measure.ts'
import { makeScratchFolder } from './scratch.ts'
import { findServers, upstreamConfig } from './servers.ts'

interface ProfileNode {
  id: number
  callFrame: { functionName: string; url: string }
  hitCount: number
  children?: number[]
}

/** A function and what it called, with the samples in it and below. */
interface Frame {
  name: string
  samples: number
  own: number
  children: Map<string, Frame>
}

/** The drawing's width and the height of a frame in it. */
const WIDTH = 1000
const HEIGHT = 17

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'corelet' },
    load: { type: 'string', default: 'hit' },
    seconds: { type: 'string', default: '4' },
    out: { type: 'string', default: join(ROOT, 'docs/hit-path.svg') },
    list: { type: 'boolean', default: false },
  },
})
const folder = makeScratchFolder('flame')
const server = findServers(folder).find(({ name }) => name === values.server)
if (!server) throw new Error(`no server ${values.server}`)
server.command.splice(1, 0, '--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${folder}`)
writeFileSync(join(folder, 'upstream.conf'), upstreamConfig())
const upstream = startUpstream(['unbound', '-c', join(folder, 'upstream.conf')])
const load = createLoad(folder, values.load)
await measure(server, load, Number(values.seconds))
upstream.kill('SIGKILL')

const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'))!
const { nodes } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { nodes: ProfileNode[] }
const root = toFrames(nodes)
if (values.list) list(root)
else writeFileSync(values.out, toSvg(root))

/** Merges what the profiler tells apart by position into one frame for each function below its caller. */
function toFrames(nodes: readonly ProfileNode[]): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const add = (node: ProfileNode, into: Frame): number => {
    const name = toName(node)
    const skipped = name === '(idle)' || name === '(program)'
    const frame = skipped ? undefined : frameOf(into, name)
    let samples = skipped ? 0 : node.hitCount
    if (frame) frame.own += node.hitCount
    for (const id of node.children ?? []) samples += add(byId.get(id)!, frame ?? into)
    if (frame) frame.samples += samples
    return samples
  }
  const all: Frame = { name: 'all', samples: 0, own: 0, children: new Map() }
  for (const id of nodes[0]!.children ?? []) all.samples += add(byId.get(id)!, all)
  return all
}

function frameOf(parent: Frame, name: string): Frame {
  const known = parent.children.get(name)
  if (known) return known
  const frame: Frame = { name, samples: 0, own: 0, children: new Map() }
  parent.children.set(name, frame)
  return frame
}

/** `name file.ts` for functions of the project. */
function toName({ callFrame: { functionName, url } }: ProfileNode): string {
  const name = functionName || '(anonymous)'
  if (!url.startsWith('file:')) return name
  const path = relative(ROOT, new URL(url).pathname)
  return path.startsWith('node_modules') ? `${name} ${path.split('/')[1]}` : `${name} ${path}`
}

function toSvg(all: Frame): string {
  const shapes: string[] = []
  let deepest = 0
  const draw = (frame: Frame, x: number, depth: number) => {
    const width = (frame.samples / all.samples) * WIDTH
    if (width < WIDTH / 200) return
    deepest = Math.max(deepest, depth)
    const share = `${((100 * frame.samples) / all.samples).toFixed(1)} %`
    const text = frame.name.slice(0, Math.floor(width / 6.2))
    const y = depth * HEIGHT
    shapes.push(
      `<g><title>${toXml(frame.name)}: ${share}</title>` +
        `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${HEIGHT - 1}" fill="${toColour(frame.name)}"/>` +
        (text.length > 2 ? `<text x="${(x + 2).toFixed(1)}" y="${y + 12}">${toXml(text)}</text>` : '') +
        '</g>',
    )
    for (const child of [...frame.children.values()].sort((a, b) => b.samples - a.samples)) {
      draw(child, x, depth + 1)
      x += (child.samples / all.samples) * WIDTH
    }
  }
  draw(all, 0, 0)
  const height = (deepest + 1) * HEIGHT
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="10">\n<title>The way of a cached answer</title>\n${shapes.join('\n')}\n</svg>\n`
}

/** The colour of a part of the project; grey for everything else. */
function toColour(name: string): string {
  const colours = {
    'src/net': '#e8a25c',
    'src/server': '#7fb2d9',
    'src/dns': '#8cc58a',
    'src/plugin': '#b9a3d6',
    plugins: '#e4cf6a',
  }
  for (const [part, colour] of Object.entries(colours)) if (name.includes(` ${part}`)) return colour
  return '#cfcfcf'
}

function toXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Prints the functions by their own time. */
function list(all: Frame): void {
  const own = new Map<string, number>()
  const walk = (frame: Frame) => {
    own.set(frame.name, (own.get(frame.name) ?? 0) + frame.own)
    for (const child of frame.children.values()) walk(child)
  }
  walk(all)
  for (const [name, samples] of [...own].sort((a, b) => b[1] - a[1]).slice(0, 40)) {
    console.log(`${((100 * samples) / all.samples).toFixed(1).padStart(5)} %  ${name}`)
  }
}
