import { SkybackupError } from '../contract/errors.ts';
import { cancelled } from './failed-try.ts';
import type { Http, HttpRequest } from './http.ts';
import { ensureDaemon, isAbsent, type LocalDaemon, socketHttp } from './start-daemon.ts';

/** HTTP to the local daemon, which is found or started at the first request, and again when it has gone (it stops when idle). */
export function localHttp(local: LocalDaemon, key?: string): Http {
  const http = socketHttp(local.home, key);
  let ready: Promise<unknown> | undefined;
  let found = false;

  function ensured(): Promise<unknown> {
    // One start for all callers: a caller that gives up must not take it from the others.
    ready ??= ensureDaemon(local).catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    return ready;
  }

  return {
    async request(wanted: HttpRequest) {
      const until = performance.now() + (wanted.deadlineMs ?? 30_000);
      for (let again = false; ; again = true) {
        if (!found) await within(ensured(), until - performance.now(), wanted);
        found = true;
        try {
          return await http.request({ ...wanted, deadlineMs: Math.max(1, until - performance.now()) });
        } catch (error) {
          if (again || !isAbsent(error)) throw error;
          ready = undefined;
          found = false;
        }
      }
    },
    close: () => http.close(),
  };
}

async function within(work: Promise<unknown>, ms: number, { signal, method }: HttpRequest): Promise<void> {
  if (signal?.aborted) throw cancelled(method, false);
  const stop = new AbortController();
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(
      new SkybackupError('unavailable', 'The local daemon is still starting.', { hint: 'Call again in a moment.' }),
    );
  }, ms);
  signal?.addEventListener('abort', () => reject(cancelled(method, false)), { signal: stop.signal });
  try {
    await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}
