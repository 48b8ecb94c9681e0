import * as deaths from './deaths.ts'
import type { Incident } from './incident.ts'
import * as interference from './interference.ts'
import * as planned from './planned.ts'

/** All incidents, in the order of the table. */
export const INCIDENTS: readonly Incident[] = [planned, deaths, interference].flatMap((file) => Object.values(file))
