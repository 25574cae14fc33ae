/** Lets so many go at once; the others wait, first come first served. */
export class Turns {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves when it is one's turn, or at once when the signal aborts; either way it must be given back. */
  async take(signal: AbortSignal): Promise<void> {
    if (this.#taken >= this.#limit && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          signal.removeEventListener('abort', go);
          const index = this.#waiting.indexOf(go);
          if (index >= 0) this.#waiting.splice(index, 1);
          resolve();
        };
        this.#waiting.push(go);
        signal.addEventListener('abort', go);
      });
    }
    this.#taken += 1;
  }

  giveBack(): void {
    this.#taken -= 1;
    this.#waiting.shift()?.();
  }
}
