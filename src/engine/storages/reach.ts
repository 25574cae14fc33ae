import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';
import type { Clock } from '../clock.ts';
import type { EngineLog } from '../engine-context.ts';
import { objectPrefix } from '../repository/manifest.ts';
import { openStorage } from '../storage/open-storage.ts';
import type { Storages } from './storages.ts';

const everyMs = 10 * 60_000;
/** A start waits for it, and so does whoever restarts the daemon to mend something else. */
const answersWithinMs = 10_000;
/** A lost packet is no storage out of reach. */
const twice = { tries: 2, firstWaitMs: 250, longestWaitMs: 250 };

/** Knows which storages answer, so that one that does not holds nothing up, and health can say so. */
export class StorageReach {
  readonly #storages: Storages;
  readonly #clock: Clock;
  readonly #troubles = new Map<string, string>();
  #cancelTimer: (() => void) | undefined;
  #stopped = false;

  constructor(storages: Storages, clock: Clock) {
    this.#storages = storages;
    this.#clock = clock;
  }

  /** Why a storage could not be looked at when that was last tried; undefined where it answered. */
  troubleOf(storage: string): string | undefined {
    return this.#troubles.get(storage);
  }

  /** Names of the storages that do not answer. */
  lost(): string[] {
    return this.#storages.names().filter((name) => this.#troubles.has(name));
  }

  answered(storage: string): void {
    this.#troubles.delete(storage);
  }

  failed(storage: string, error: unknown): void {
    this.#troubles.set(storage, redact(toSkybackupError(error).message));
  }

  /** Looks at all of them at once. */
  async look(log: EngineLog = () => undefined): Promise<void> {
    await Promise.all(
      this.#storages.names().map(async (name) => {
        try {
          await this.ask(name);
          this.answered(name);
        } catch (error) {
          this.failed(name, error);
          log('error', 'a storage is out of reach', { storage: name, reason: this.troubleOf(name) });
        }
      }),
    );
  }

  /** Throws where a storage does not answer. The repository in the home is made by its first backup, and is not asked. */
  async ask(name: string): Promise<void> {
    const file = this.#storages.files().find((each) => each.name === name)?.file;
    if (file === undefined) return;
    const { path } = file;
    await inTime(path.startsWith('file:') ? readFolder(path) : openStorage(file, twice).folders(objectPrefix), path);
  }

  /** Looks again and again from here on. */
  start(): void {
    this.#cancelTimer = this.#clock.after(everyMs, () => {
      void this.look().then(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }
}

/** One that is gone looks like one without backups, to which nothing was ever written. */
async function readFolder(url: string): Promise<void> {
  const folder = fileURLToPath(url);
  await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new SkybackupError('storage_failed', `The folder ${folder} cannot be read (${error.code}).`);
  });
}

async function inTime(asked: Promise<unknown>, path: string): Promise<void> {
  const late = new AbortController();
  const tooLate = delay(answersWithinMs, undefined, { signal: late.signal }).then(() => {
    throw new SkybackupError('storage_failed', `${path} did not answer within ${answersWithinMs / 1000} seconds.`);
  });
  try {
    await Promise.race([asked, tooLate]);
  } finally {
    late.abort();
    for (const each of [asked, tooLate]) each.catch(() => {});
  }
}
