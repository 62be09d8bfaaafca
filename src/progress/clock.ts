/** Time as the displays need it; tests pass one that stands still. */
export interface Clock {
  /** Milliseconds since the epoch, with a fraction where there is one. */
  now(): number
  /** Calls `fn` again and again, `ms` milliseconds apart, until disposed. It must not keep the process alive. */
  every(ms: number, fn: () => void): Disposable
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  every: (ms, fn) => {
    const timer = setInterval(fn, ms)
    timer.unref()
    return { [Symbol.dispose]: () => clearInterval(timer) }
  },
}
