/** Time, passed to whatever needs it so that tests can turn it. */
export interface Clock {
  /** Milliseconds on a clock that never jumps, for ages and deadlines. */
  monotonic(): number
  /** Milliseconds since 1970, for what is shown to people and for signatures. */
  wall(): number
  /** Calls back once after `milliseconds`, 24 days at most; does not keep the process alive. */
  timeout(milliseconds: number, callback: () => void): Timer
  /** Calls back every `milliseconds`, 24 days at most; does not keep the process alive. */
  interval(milliseconds: number, callback: () => void): Timer
}

export interface Timer {
  cancel(): void
}

/** The longest delay in milliseconds that a timer can be set to: more than this ends at once. */
const MAX_DELAY = 2 ** 31 - 1

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  timeout(milliseconds, callback) {
    const timer = setTimeout(callback, Math.min(milliseconds, MAX_DELAY))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  interval(milliseconds, callback) {
    const timer = setInterval(callback, Math.min(milliseconds, MAX_DELAY))
    timer.unref()
    return { cancel: () => clearInterval(timer) }
  },
}
