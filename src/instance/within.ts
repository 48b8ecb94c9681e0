import type { Clock, Timer } from '../plugin/index.ts'

/** Waits for `work`, for so many milliseconds at most. @returns whether it was done by then @throws (rejects) what `work` rejects with */
export async function within(clock: Clock, milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  let timer: Timer | undefined
  const late = new Promise<false>((resolve) => {
    timer = clock.timeout(milliseconds, () => resolve(false))
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    timer?.cancel()
  }
}
