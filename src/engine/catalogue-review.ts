import { localStorage } from '../contract/default-storage.ts';
import type { EngineContext } from './engine-context.ts';
import { reconcileCatalogue, settleRunning } from './store/reconcile-catalogue.ts';

/** After a failure: the repository's disk, or the way to a bucket, may be away for a while. */
const retryMs = 10 * 60_000;
/** Unpublished folders in a bucket may be another daemon's, which is still at work on them. */
const othersWorkMs = 24 * 60 * 60_000;

/**
 * Compares index and storages once after each start. With many backups that takes its time, so only what must be known
 * is settled before the daemon serves: the backups that were running, and everything where the index was never complete.
 */
export class CatalogueReview {
  readonly #context: EngineContext;
  /** Whatever is younger was made by this daemon. */
  readonly #startedAt = Date.now();
  readonly #pending: Set<string>;
  #cancelTimer: (() => void) | undefined;
  #stopped = false;
  #onDone: (() => void) | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(context: EngineContext) {
    this.#context = context;
    this.#pending = new Set(context.storages.names());
  }

  async beforeServing(): Promise<void> {
    const { state, storages } = this.#context;
    await settleRunning(this.#context, (id) => storages.isInReach(storages.nameOf(id)));
    // A new state knows nothing of what lies there, GTIDs included: nothing may be decided by it.
    if (state.isReconciled()) return;
    for (const storage of this.#pending) {
      if (!storages.isInReach(storage)) continue;
      await this.#review(storage).catch((error: unknown) => {
        // Without its own repository there is nothing to serve; a bucket is looked at again.
        if (storage === localStorage) throw error;
        this.#failed(storage, error);
      });
    }
  }

  /** Does the rest while the daemon serves; `onDone` is called when the index agrees with the local repository. */
  start(onDone: () => void): void {
    this.#onDone = onDone;
    this.#begin();
  }

  /** Takes in what lies in a storage that was added. */
  add(storage: string): void {
    this.#pending.add(storage);
    if (this.#onDone !== undefined) this.#begin();
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

  #begin(): void {
    this.#cancelTimer?.();
    this.#round = this.#round.then(() => this.#goThrough());
  }

  async #goThrough(): Promise<void> {
    for (const storage of [...this.#pending]) {
      if (this.#stopped) return;
      // Taken off the list meanwhile.
      if (!this.#context.storages.names().includes(storage)) {
        this.#pending.delete(storage);
        continue;
      }
      try {
        await this.#review(storage);
      } catch (error) {
        this.#failed(storage, error);
      }
      if (storage === localStorage) this.#tellDone();
    }
    if (!this.#pending.has(localStorage)) this.#tellDone();
    if (this.#stopped || this.#pending.size === 0) return;
    this.#cancelTimer = this.#context.clock.after(retryMs, () => this.#begin());
  }

  #tellDone(): void {
    if (this.#stopped || this.#isTold || this.#pending.has(localStorage)) return;
    this.#isTold = true;
    this.#onDone?.();
  }
  #isTold = false;

  async #review(storage: string): Promise<void> {
    const { state, storages, log } = this.#context;
    const isOwn = storage === localStorage;
    const repository = storages.at(storage);
    // A folder that is gone looks like one without backups: all of them would be taken for lost.
    await storages.reach.ask(storage);
    // A daemon's own folder is swept when it starts.
    if (!isOwn) await repository.sweep(othersWorkMs);
    const sweepBefore = new Date(isOwn ? this.#startedAt : this.#startedAt - othersWorkMs);
    const options = { sweepBefore, isStopped: () => this.#stopped };
    const { found, lost, swept } = await reconcileCatalogue({ state, repository, storage, log }, options);
    if (this.#stopped) return;
    this.#pending.delete(storage);
    storages.reach.answered(storage);
    if (isOwn) state.setReconciled();
    log('info', 'the catalogue agrees with the repository', { storage, backups: found, lost, swept });
  }

  #failed(storage: string, error: unknown): void {
    this.#context.storages.reach.failed(storage, error);
    this.#context.log('error', 'the catalogue could not be compared with the repository', { storage, error });
  }
}
