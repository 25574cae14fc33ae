import type { EngineContext } from './engine-context.ts';
import { reconcileCatalogue, settleRunning } from './store/reconcile-catalogue.ts';

/** After a failure: the repository's disk may be away for a while. */
const retryMs = 10 * 60_000;

/**
 * Compares index and repository once after each start. With many backups that takes its time, so only what must be known
 * is settled before the daemon serves: the backups that were running, and everything where the index was never complete.
 */
export class CatalogueReview {
  readonly #context: EngineContext;
  /** Whatever is younger was made by this daemon. */
  readonly #startedAt = new Date();
  #cancelTimer: (() => void) | undefined;
  #stopped = false;
  #isDone = false;
  #round: Promise<void> | undefined;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  async beforeServing(): Promise<void> {
    const { state } = this.#context;
    await settleRunning(this.#context);
    // A new state knows nothing of what lies there, GTIDs included: nothing may be decided by it.
    if (!state.isReconciled()) await this.#review();
  }

  /** Does the rest while the daemon serves; `onDone` is called when index and repository agree. */
  start(onDone: () => void): void {
    this.#round ??= this.#untilDone(onDone);
  }

  /** Resolves when the review under way, if any, is done. */
  async settled(): Promise<void> {
    await this.#round;
  }

  /** Ends at the next folder; what is left is done after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    await this.#round;
  }

  async #untilDone(onDone: () => void): Promise<void> {
    const { clock, log } = this.#context;
    try {
      if (!this.#isDone) await this.#review();
      if (!this.#stopped) onDone();
    } catch (error) {
      log('error', 'the catalogue could not be compared with the repository', { error });
      if (this.#stopped) return;
      this.#cancelTimer = clock.after(retryMs, () => {
        this.#round = this.#untilDone(onDone);
      });
    }
  }

  async #review(): Promise<void> {
    const { state, log } = this.#context;
    const options = { sweepBefore: this.#startedAt, isStopped: () => this.#stopped };
    const { found, lost, swept } = await reconcileCatalogue(this.#context, options);
    if (this.#stopped) return;
    state.setReconciled();
    this.#isDone = true;
    log('info', 'the catalogue agrees with the repository', { backups: found, lost, swept });
  }
}
