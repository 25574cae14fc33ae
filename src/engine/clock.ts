/** Time as the engine sees it; tests bring their own. */
export interface Clock {
  /** Milliseconds since the epoch; may be set back or forth under us. */
  now(): number;
  /** Milliseconds that only ever grow, whatever is done to the wall clock. */
  monotonic(): number;
  /** Calls back once, after `ms`; returns how to take it back. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
