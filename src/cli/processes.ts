import type { Configuration } from '../instance/load.ts'

/** How many processes a configuration wants: all serve all blocks, so the block that wants most decides. */
export function processesOf({ blocks }: Pick<Configuration, 'blocks'>): number {
  return Math.max(1, ...blocks.map(({ settings }) => settings.processes ?? 1))
}
