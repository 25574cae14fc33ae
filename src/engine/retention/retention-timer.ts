import { setImmediate as turn } from 'node:timers/promises';
import { toSkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';
import type { EngineContext } from '../engine-context.ts';
import { carryOutRemovals } from './removal.ts';
import { retentionPass } from './retention-pass.ts';

const checkEveryMs = 10 * 60_000;

/** Passes over the backups of each service after each new one, and once a day. */
export class RetentionTimer {
  readonly #context: EngineContext;
  #cancelTimer: (() => void) | undefined;
  #started = false;
  #stopped = false;
  #round: Promise<void> | undefined;
  #again = false;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  start(): void {
    this.#started = true;
    this.tick();
  }

  /** Looks for what is due; to be called when a job has ended. */
  tick(): void {
    if (!this.#started || this.#stopped) return;
    this.#again = true;
    this.#round ??= this.#rounds().finally(() => {
      this.#round = undefined;
      this.#cancelTimer?.();
      if (!this.#stopped) this.#cancelTimer = this.#context.clock.after(checkEveryMs, () => this.tick());
    });
  }

  /** The removal under way is waited for; what is left of the pass is noted, and done at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    await this.#round;
  }

  async #rounds(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await this.#passes();
      } catch (error) {
        // A full disk must not end the passes: the next look tries again.
        this.#context.log('error', 'retention could not look for what is due', { error });
      }
    }
  }

  async #passes(): Promise<void> {
    const { state, log } = this.#context;
    for (let service = state.retention.nextDue(); service !== undefined && !this.#stopped; ) {
      try {
        const done = await retentionPass(this.#context, service);
        const failures = await carryOutRemovals(this.#context, () => this.#stopped);
        const failed = failures.length > 0;
        const message = failed ? `${done} Files of ${failures.length} could not be removed: ${failures[0]}` : done;
        state.retention.passed(service, redact(message), failed);
      } catch (error) {
        log('error', 'a retention pass failed', { service, error });
        state.retention.passed(service, redact(toSkybackupError(error).message), true);
      }
      // A pass may wait for nothing: requests get their turn between a thousand of them.
      await turn();
      service = state.retention.nextDue();
    }
  }
}
