import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';

/** Whoever is to be told that a resource has changed: one for each connection. */
type Tell = (uri: string) => void;

interface Watched {
  /** What it said last; undefined: never looked at with success. */
  said: string | undefined;
  tells: Tell[];
}

/** What is subscribed to is looked at once, so that it is known from when on a change is one; then again and again. */
type Time = 'first' | 'again';

interface WatchOptions {
  /** What a resource says now. Throws `SkybackupError`. */
  look(uri: string, signal: AbortSignal): Promise<string>;
  /** The pause between two looks; longer where a look takes long or fails. */
  everyMs: number;
}

const mostWatched = 50;
/** Looking may take this part of the time, so that no server works for the watch alone. */
const share = 1 / 10;
const longestBackoff = 16;
/** With more than these the pause grows: a key may make 600 requests a minute, a look takes two, and its tools need some as well. */
const inOnePause = 10;
/** After this long a round of looks has failed. */
const patienceMs = 20_000;

/**
 * Finds out that resources have changed, since nothing tells this process of what a daemon's clock or another client does. It
 * looks only while somebody is to be told, one look after another, and does not keep the process alive.
 */
export class ResourceWatch {
  readonly #options: WatchOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isQueued = false;
  #failures = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /**
   * Tells of every change of these resources from now on, until the returned function is called. Resolves once they have been
   * looked at: a change that comes right afterwards is one.
   */
  async add(uris: readonly string[], tell: Tell): Promise<() => void> {
    const wanted = [...new Set(uris)];
    if (new Set([...this.#watched.keys(), ...wanted]).size > mostWatched) {
      throw new SkybackupError('too_large', `At most ${mostWatched} resources are watched at a time.`, {
        hint: 'Subscribe to the lists of all services instead.',
      });
    }
    const isFirst = this.#watched.size === 0;
    for (const uri of wanted) {
      const watched = this.#watched.get(uri) ?? { said: undefined, tells: [] };
      watched.tells.push(tell);
      this.#watched.set(uri, watched);
    }
    await this.#inTurn((signal) => this.#round(wanted, signal, 'first', isFirst));
    let ended = false;
    return () => {
      if (!ended) for (const uri of wanted) this.#remove(uri, tell);
      ended = true;
    };
  }

  /** This very process changed something: looks at once. */
  changed(): void {
    if (this.#watched.size === 0 || this.#isQueued) return;
    this.#isQueued = true;
    clearTimeout(this.#timer);
    void this.#inTurn((signal) => {
      this.#isQueued = false;
      return this.#round([...this.#watched.keys()], signal, 'again', true);
    });
  }

  close(): void {
    this.#closed.abort();
    this.#watched.clear();
    clearTimeout(this.#timer);
  }

  #remove(uri: string, tell: Tell): void {
    const watched = this.#watched.get(uri);
    const at = watched?.tells.indexOf(tell) ?? -1;
    if (at < 0) return;
    watched?.tells.splice(at, 1);
    if (watched?.tells.length === 0) this.#watched.delete(uri);
    if (this.#watched.size === 0) clearTimeout(this.#timer);
  }

  /** Looks never overlap: a slow server would get more and more of them. */
  #inTurn(work: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
    this.#last = this.#last.then(() => work(AbortSignal.any([this.#closed.signal, AbortSignal.timeout(patienceMs)])));
    return this.#last;
  }

  async #round(uris: string[], signal: AbortSignal, time: Time, goesOn: boolean): Promise<void> {
    const began = performance.now();
    const waitMs = await this.#lookAt(uris, signal, time);
    if (!goesOn || this.#isQueued || this.#closed.signal.aborted || this.#watched.size === 0) return;
    this.#failures = waitMs === undefined ? 0 : this.#failures + 1;
    const backoff = Math.min(longestBackoff, 2 ** this.#failures);
    // The first look may have had to start a daemon, which says nothing of the next.
    const took = time === 'first' ? 0 : performance.now() - began;
    const everyMs = this.#options.everyMs * Math.max(1, this.#watched.size / inOnePause);
    const pauseMs = Math.max(everyMs * backoff, took / share, waitMs ?? 0);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.changed(), pauseMs);
    this.#timer.unref();
  }

  /** How long to wait at least, where a look failed; undefined where none did. */
  async #lookAt(uris: string[], signal: AbortSignal, time: Time): Promise<number | undefined> {
    let waitMs: number | undefined;
    for (const uri of uris) {
      const watched = this.#watched.get(uri);
      if (watched === undefined || (time === 'first' && watched.said !== undefined)) continue;
      try {
        const says = await this.#says(uri, signal);
        // What could not be looked at when it was subscribed to may have changed since: better told once too often.
        const isNews = says !== watched.said && (time === 'again' || watched.said !== undefined);
        watched.said = says;
        if (isNews) for (const tell of new Set(this.#watched.get(uri)?.tells)) tell(uri);
      } catch (thrown) {
        waitMs = Math.max(waitMs ?? 0, (toSkybackupError(thrown).retryAfterSeconds ?? 0) * 1000);
      }
    }
    return waitMs;
  }

  /** A refusal is something that a resource says, too: what is not there yet may come. */
  async #says(uri: string, signal: AbortSignal): Promise<string> {
    try {
      return await this.#options.look(uri, signal);
    } catch (thrown) {
      const error = toSkybackupError(thrown);
      if (error.retryable || error.code === 'cancelled' || signal.aborted) throw error;
      return error.code;
    }
  }
}
