const MIN = 1000
const MAX = 30_000

/** How long connecting may take: twice the running average of past times, 1 to 30 seconds. */
export class DialTimeout {
  #average = MAX / 2

  get milliseconds(): number {
    return Math.max(MIN, Math.min(MAX, this.#average * 2))
  }

  /** Takes the time that a dial took, in milliseconds. */
  record(milliseconds: number): void {
    this.#average += (milliseconds - this.#average) / 4
  }
}
