const windowMs = 15_000;

/** Bytes a second over the last quarter of a minute: a rate since the start would hide a stall. */
export class JobRate {
  readonly #samples: { at: number; bytes: number }[] = [];

  add(at: number, bytes: number): void {
    const last = this.#samples.at(-1);
    // A smaller count means another phase: its bytes have nothing to do with those before.
    if (last !== undefined && bytes < last.bytes) this.#samples.length = 0;
    if (last !== undefined && at - last.at < 250 && this.#samples.length > 1) this.#samples.pop();
    this.#samples.push({ at, bytes });
    while ((this.#samples[0]?.at ?? at) < at - windowMs) this.#samples.shift();
  }

  reset(): void {
    this.#samples.length = 0;
  }

  /** Undefined until there is something to divide. */
  perSecond(now: number): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.bytes === first.bytes) return undefined;
    return Math.round(((last.bytes - first.bytes) * 1000) / Math.max(1, now - first.at));
  }
}
