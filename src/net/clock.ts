/** The part of a clock that sockets need; the plugin API's clock fits. */
export interface SocketClock {
  /** Milliseconds on a clock that never jumps. */
  monotonic(): number
  /** Calls back every `milliseconds` until cancelled. */
  interval(milliseconds: number, callback: () => void): { cancel(): void }
}
