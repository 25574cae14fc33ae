/** How far ahead of the limit bytes may be: what came while nothing moved is not made up for later. */
const burstMs = 250;

/**
 * A token bucket for all that moves to and from one storage. Whoever has moved bytes waits until they are paid for; those who
 * wait are let go in the order in which they came, so that transfers in small steps share it alike.
 */
export class ByteLimit {
  /** Undefined lets everything pass. May be changed while bytes move: it counts for what comes after. */
  bytesPerSecond: number | undefined;
  readonly #now: () => number;
  /** When all that has moved so far will be paid for. */
  #paidAt = Number.NEGATIVE_INFINITY;

  constructor(bytesPerSecond?: number, now: () => number = () => performance.now()) {
    this.bytesPerSecond = bytesPerSecond;
    this.#now = now;
  }

  /** Counts bytes; answers how long to wait before more may move. */
  count(bytes: number): number {
    if (this.bytesPerSecond === undefined) return 0;
    const now = this.#now();
    this.#paidAt = Math.max(this.#paidAt, now - burstMs) + (bytes / this.bytesPerSecond) * 1000;
    return Math.max(0, this.#paidAt - now);
  }
}
