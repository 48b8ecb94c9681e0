/** The name that clients ask for, and who gives which answer to it. */
export const WHO = 'who.agent.test.'
export const ANSWERS = { agent: '192.0.2.1', cluster: '192.0.2.2' } as const
export type Answerer = keyof typeof ANSWERS
