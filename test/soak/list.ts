import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Scenario } from './scenario.ts'

const FOLDER = join(import.meta.dirname, 'scenarios')

/** Names of the scenarios that there are. */
function listScenarios(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()
}

/** Those that run when none is named. */
export async function loadUsual(): Promise<Scenario[]> {
  const all = await Promise.all(listScenarios().map(loadScenario))
  return all.filter(({ byNameOnly }) => !byNameOnly)
}

/** @throws (rejects) Error when the file has no scenario of its name */
export async function loadScenario(name: string): Promise<Scenario> {
  const { scenario } = (await import(join(FOLDER, `${name}.ts`))) as { scenario?: Scenario }
  if (scenario?.name !== name) throw new Error(`scenarios/${name}.ts exports no scenario with its name`)
  return scenario
}
