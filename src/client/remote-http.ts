import { SkybackupError } from '../contract/errors.ts';
import { contractRevision, Healthz } from '../contract/health.ts';
import { createHttp, type Http } from './http.ts';
import type { RemoteDaemonSettings } from './settings.ts';

/** HTTP to a daemon elsewhere. Before the first request its contract revision is looked at, once a process. */
export function remoteHttp({ url, key, keySetting }: RemoteDaemonSettings, version: string): Http {
  const http = createHttp({ kind: 'daemon', url, baseUrl: url, keySetting, headers: { 'x-api-key': key } });
  let checked = false;

  async function check(signal: AbortSignal | undefined): Promise<void> {
    const health = await http
      .request({ method: 'GET', path: '/healthz', deadlineMs: 10_000, ...(signal ? { signal } : {}) })
      .then(({ body }) => Healthz.safeParse(body).data)
      .catch((error: unknown) => {
        if (error instanceof SkybackupError && ['unreachable', 'cancelled', 'timeout'].includes(error.code))
          throw error;
        // A proxy may pass on the API alone; the call itself will tell what is wrong.
        return undefined;
      });
    if (health && health.contract !== contractRevision) {
      const older = health.contract < contractRevision ? 'that daemon' : 'this client';
      throw new SkybackupError(
        'version_skew',
        `The daemon at ${url} is skybackup ${health.version} and speaks contract revision ${health.contract}; this client, ${version}, speaks ${contractRevision}.`,
        { hint: `Update ${older}.` },
      );
    }
    checked = true;
  }

  return {
    async request(wanted) {
      if (!checked) await check(wanted.signal);
      return http.request(wanted);
    },
    close: () => http.close(),
  };
}
