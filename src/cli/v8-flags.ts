/**
 * Flags of V8 that the server runs with; `npm start` in package.json has the same. Both bound what a flood of names leaves behind: young objects
 * get 2 MiB at most, so that they are collected while they are in the processor's cache, and octets outside of V8's heap with them; old ones
 * may grow by a fifth between two full collections. V8 takes them on the command line only.
 */
export const V8_FLAGS = ['--max-semi-space-size=2', '--heap-growing-percent=20'] as const

/** What workers find in their environment if it says nothing else: one heap of the C library for all threads, which takes 4 MiB less. */
export const WORKER_ENVIRONMENT = { MALLOC_ARENA_MAX: '1' } as const

/** Flags of V8 that the supervisor runs with: what it makes lives for a moment, and a young generation of 1 MiB leaves 1.4 MiB less behind. */
export const SUPERVISOR_FLAGS = ['--max-semi-space-size=1'] as const
