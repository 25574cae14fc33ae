import type { Engine } from '../engine/engine.ts';

/** Ends a daemon that a client started once nobody has used it for a while and nobody would miss it. */
export class IdleStop {
  readonly #engine: Pick<Engine, 'isDispensable'>;
  readonly #idleMs: number;
  readonly #stop: () => void;
  #lastUse = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(engine: Pick<Engine, 'isDispensable'>, idleMs: number, stop: () => void) {
    this.#engine = engine;
    this.#idleMs = idleMs;
    this.#stop = stop;
  }

  /** Called at every request, and whenever a job ended. */
  readonly used = (): void => {
    this.#lastUse = performance.now();
  };

  start(): void {
    const left = this.#idleMs - (performance.now() - this.#lastUse);
    this.#timer = setTimeout(() => void this.#check(), Math.max(left, this.#idleMs / 20, 10));
    this.#timer.unref();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  async #check(): Promise<void> {
    const idle = () => performance.now() - this.#lastUse >= this.#idleMs;
    // Asked again after the look at the servers, which takes a moment in which a request may have come.
    if (idle() && (await this.#engine.isDispensable().catch(() => false)) && idle()) this.#stop();
    else this.start();
  }
}
