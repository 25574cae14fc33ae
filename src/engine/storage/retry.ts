import { setTimeout as delay } from 'node:timers/promises';

/** How long to hold out: a wait doubles from the first to the longest, and varies by half so that many do not come at once. */
export interface Patience {
  /** In all, the first included. */
  tries: number;
  firstWaitMs: number;
  longestWaitMs: number;
}

/** Three to four minutes: a server that restarts, or a storm of refusals, ends no backup that ran for hours. */
export const patient: Patience = { tries: 14, firstWaitMs: 250, longestWaitMs: 30_000 };

/** Half a minute at most, for what somebody waits for. */
export const brief: Patience = { ...patient, tries: 8 };

/** Runs it until it succeeds, fails in a way that another try does not mend, or patience has ended. */
export async function retrying<T>(
  patience: Patience,
  run: () => Promise<T>,
  { mendable, signal }: { mendable: (error: unknown) => boolean; signal?: AbortSignal | undefined },
): Promise<T> {
  for (let failed = 1; ; failed += 1) {
    try {
      signal?.throwIfAborted();
      return await run();
    } catch (error) {
      if (signal?.aborted || failed >= patience.tries || !mendable(error)) throw error;
      await delay(waitMs(patience, failed), undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** The wait after so many failures in a row. */
export function waitMs({ firstWaitMs, longestWaitMs }: Patience, failed: number, random = Math.random): number {
  return Math.min(longestWaitMs, firstWaitMs * 2 ** (failed - 1)) * (0.5 + random() / 2);
}
