import { setTimeout as sleep } from 'node:timers/promises';
import { SkybackupError } from '../contract/errors.ts';
import type { CallOptions } from './backup-api.ts';
import { unknowing } from './failed-try.ts';

interface Creation<T> {
  /** What is made, for people: `restore`. */
  thing: string;
  /** The newest of its kind on the same service. */
  list(options: CallOptions): Promise<T[]>;
  /** Whether a record that was not there before may be the one asked for. */
  isIt(record: T): boolean;
  post(): Promise<T>;
}

/** A list may be a little behind. */
const looksAfterMs = [0, 1000, 3000];

/**
 * Makes something that must not be made twice. What there is already is read before; where the answer is lost, what has come since
 * tells whether it was made all the same. Where nothing has, the error says so, and that nobody may repeat it unseen.
 */
export async function createOnce<T extends { id: number; warnings?: string[] | undefined }>(
  { thing, list, isIt, post }: Creation<T>,
  { signal }: CallOptions,
): Promise<T> {
  const before = new Set((await list({ signal })).map(({ id }) => id));
  try {
    return await post();
  } catch (error) {
    if (!(error instanceof SkybackupError) || error.details.may_be_done !== true || signal?.aborted) throw error;
    const found = await look().catch(() => undefined);
    if (found === undefined) throw unseen(error, thing);
    const warning = `The cloud's answer was lost (${error.message}) ${thing} ${found.id} was found in its list: it has been started once, and must not be started again.`;
    return { ...found, warnings: [...(found.warnings ?? []), warning] };
  }

  async function look(): Promise<T | undefined> {
    for (const pause of looksAfterMs) {
      await sleep(pause, undefined, signal ? { signal } : {});
      const records = await list({ signal, deadlineMs: 5000 });
      const made = records.filter((record) => !before.has(record.id) && isIt(record));
      if (made.length > 0) return made.reduce((a, b) => (b.id > a.id ? b : a));
    }
    return undefined;
  }
}

/** Reads the answer to a change. That it cannot be read does not undo what was done. */
export function readOutcome<T>(read: (body: unknown) => T, body: unknown): T {
  try {
    return read(body);
  } catch (error) {
    if (!(error instanceof SkybackupError)) throw error;
    throw new SkybackupError(error.code, error.message, { cause: error, ...unknowing('POST') });
  }
}

function unseen(error: SkybackupError, thing: string): SkybackupError {
  return new SkybackupError(error.code, `${error.message} No new ${thing} is to be seen in the cloud's list so far.`, {
    cause: error,
    status: error.status,
    retryable: false,
    hint: `It may still appear: look at the list of ${thing}s again before calling again.`,
    details: error.details,
  });
}
