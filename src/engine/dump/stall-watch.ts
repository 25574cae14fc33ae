import type { SkybackupError } from '../../contract/errors.ts';
import { connectWith } from '../mariadb/connect.ts';
import type { Login } from '../mariadb/login.ts';
import { lockTimeout } from './lock-timeout.ts';
import { endSession } from './read-lock.ts';

export interface StallWatchOptions {
  login: Login;
  /** A session from before the dump: the dump's own come after it. */
  after: number;
  lockWaitSeconds: number;
  /** Bytes of the dump so far. */
  bytes: () => number;
  onWaiting: (waits: boolean) => void;
  /** The wait was too long. */
  onTimeout: () => void;
}

const pollMs = 1000;

/**
 * Notices a dump that waits for a lock on a table, and bounds that. mariadb-dump itself would wait for as long as the
 * server's lock_wait_timeout, a day. Asked only while no byte comes.
 */
export class StallWatch {
  readonly #options: StallWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #asking = Promise.resolve();
  #busy = false;
  #seen = -1;
  #waiting: { since: number; sessions: number[]; table: string } | undefined;
  #timedOut = false;

  constructor(options: StallWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      if (this.#busy) return;
      this.#busy = true;
      this.#asking = this.#look().finally(() => {
        this.#busy = false;
      });
    }, pollMs);
  }

  /** The error to give once the wait was too long; undefined before. */
  async timeout(): Promise<SkybackupError | undefined> {
    if (!this.#timedOut) return undefined;
    const { login, lockWaitSeconds } = this.#options;
    return lockTimeout(login, `on a table (${this.#waiting?.table ?? 'unknown'})`, lockWaitSeconds);
  }

  /** To be called after the dump's processes are gone. The server does not notice that while a session of theirs waits: it is ended. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#asking;
    const [session, ...others] = this.#waiting?.sessions ?? [];
    if (session !== undefined && others.length === 0) await endSession(this.#options.login, session);
  }

  async #look(): Promise<void> {
    const { bytes, lockWaitSeconds, onWaiting, onTimeout } = this.#options;
    const now = bytes();
    const still = now === this.#seen;
    this.#seen = now;
    const waits = still ? await this.#waitingSessions() : [];
    const [first] = waits;
    if (first === undefined) {
      if (this.#waiting !== undefined) onWaiting(false);
      this.#waiting = undefined;
      return;
    }
    if (this.#waiting === undefined) onWaiting(true);
    const since = this.#waiting?.since ?? Date.now() - first.seconds * 1000;
    this.#waiting = { since, sessions: waits.map(({ id }) => id), table: first.info ?? '' };
    if (this.#timedOut || Date.now() - since < lockWaitSeconds * 1000) return;
    this.#timedOut = true;
    onTimeout();
  }

  /** Sessions of this account, from after the dump's start, that wait for a lock in a statement as mariadb-dump makes them. */
  async #waitingSessions(): Promise<{ id: number; seconds: number; info: string | null }[]> {
    const { login, after } = this.#options;
    const server = await connectWith(login).catch(() => undefined);
    try {
      return (
        (await server?.query<{ id: number; seconds: number; info: string | null }>(
          `SELECT ID AS id, TIME AS seconds, LEFT(INFO, 200) AS info FROM information_schema.PROCESSLIST
           WHERE ID > ? AND ID <> CONNECTION_ID() AND STATE LIKE 'Waiting for %lock%'
             AND USER = (SELECT USER FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID())
             AND (INFO LIKE 'SELECT /*!40001 SQL\\\\_NO\\\\_CACHE */%' OR INFO LIKE 'SHOW %')`,
          [after],
        )) ?? []
      );
    } catch {
      // A server that cannot be asked ends the dump by itself.
      return [];
    } finally {
      await server?.close();
    }
  }
}
