import { existsSync } from 'node:fs';
import type { EngineContext } from '../engine-context.ts';
import { placeOf } from '../restore/data-place.ts';
import { expireKeptData } from '../restore/kept-data.ts';
import { exchangeable } from '../services/exchangeable.ts';

const checkEveryMs = 60 * 60_000;

/** Whether a job moves data directories, or the kept ones beside them. */
export function exchangesData({ kind }: { kind: string }): boolean {
  return kind === 'restore' || kind === 'undo' || kind === 'remove';
}

/** Removes the data that restores have set aside, once their time is over. The files decide, so that none outlives a lost record. */
export class KeptData {
  readonly #context: EngineContext;
  #cancelTimer: (() => void) | undefined;
  #stopped = false;
  #round: Promise<void> = Promise.resolve();

  constructor(context: EngineContext) {
    this.#context = context;
  }

  start(): void {
    if (this.#stopped) return;
    this.#round = this.#expire().finally(() => {
      if (!this.#stopped) this.#cancelTimer = this.#context.clock.after(checkEveryMs, () => this.start());
    });
  }

  /** Resolves when the removal under way, if any, is done. */
  settled(): Promise<void> {
    return this.#round;
  }

  /** A removal under way is not waited for: it can be repeated. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  async #expire(): Promise<void> {
    const { state, clock, home, log } = this.#context;
    for (const target of exchangeable(this.#context)) {
      const { id } = target;
      if (this.#stopped) return;
      const now = clock.now();
      try {
        const inUse = (): boolean => state.jobs.activeOf(id).some(exchangesData);
        if (inUse()) continue;
        const expired = await expireKeptData(placeOf(home, target), new Date(now), inUse);
        for (const { path } of expired) log('info', 'kept data expired', { service: id, place: path });
        if (this.#stopped) return;
        const gone = new Set(expired.map(({ restore_id }) => restore_id));
        for (const restore of state.restores.expired(now)) {
          if (restore.service_id === id && (gone.has(restore.id) || !existsSync(restore.kept_data ?? ''))) {
            state.restores.forgetKept(restore.id);
          }
        }
      } catch (error) {
        log('error', 'kept data could not be removed', { service: id, error });
      }
    }
  }
}
