import { describe, expect, test } from 'vitest';
import { patient, retrying, waitMs } from './retry.ts';

const quick = { tries: 4, firstWaitMs: 1, longestWaitMs: 2 };
const any = { mendable: () => true };

/** Fails so many times, then answers how often it ran. */
function failing(times: number): () => Promise<number> {
  let ran = 0;
  return async () => {
    ran += 1;
    if (ran <= times) throw new Error(`failure ${ran}`);
    return ran;
  };
}

describe('trying again', () => {
  test('ends with the first success, or with the last failure', async () => {
    expect(await retrying(quick, failing(3), any)).toBe(4);
    await expect(retrying(quick, failing(4), any)).rejects.toThrow('failure 4');
  });

  test('is not done where it cannot mend anything', async () => {
    await expect(retrying(quick, failing(3), { mendable: () => false })).rejects.toThrow('failure 1');
  });

  test('ends at once when it is cancelled, also while it waits', async () => {
    const abort = new AbortController();
    const waiting = retrying({ ...quick, firstWaitMs: 60_000, longestWaitMs: 60_000 }, failing(1), {
      ...any,
      signal: abort.signal,
    });
    setTimeout(() => abort.abort(), 10);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('waits twice as long each time up to the longest, and not all the same', () => {
    const [least, most] = [() => 0, () => 1];
    expect([1, 2, 3, 20].map((failed) => waitMs(patient, failed, most))).toEqual([250, 500, 1000, 30_000]);
    expect([1, 2, 3, 20].map((failed) => waitMs(patient, failed, least))).toEqual([125, 250, 500, 15_000]);
  });

  test('holds out for minutes', () => {
    const waits = Array.from({ length: patient.tries - 1 }, (_, failed) => waitMs(patient, failed + 1, () => 0));
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(100_000);
  });
});
