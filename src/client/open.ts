import type { Home } from '../contract/home.ts';
import type { BackupApi, Capabilities, Provider } from './backup-api.ts';
import type { Http } from './http.ts';
import { lazyBackupApi } from './lazy-backup-api.ts';
import type { Settings } from './settings.ts';
import { version } from './version.ts';

const cloudCapabilities: Capabilities = {
  jobs: false,
  plans: false,
  registerServices: false,
  undoRestores: false,
  retention: false,
};
const daemonCapabilities: Capabilities = {
  jobs: true,
  plans: true,
  registerServices: true,
  undoRestores: true,
  retention: true,
};

/**
 * The Backup API that the settings name. Nothing is opened, written or started before its first call; the local daemon is
 * found or started then. Throws nothing. With `key` its holder asks, whatever key the settings hold.
 */
export function openBackupApi({ provider, home }: Settings, override: { key?: string } = {}): BackupApi {
  switch (provider.kind) {
    case 'local': {
      const url = `unix:${home.socket}`;
      return openOver(describe('daemon', url, undefined, override.key ?? ''), home, async () =>
        (await import('./local-http.ts')).localHttp({ home, version }, override.key),
      );
    }
    case 'daemon': {
      const { url, key = provider.key } = { url: provider.url, ...override };
      return openOver(describe('daemon', url, undefined, key), home, async () =>
        (await import('./remote-http.ts')).remoteHttp({ ...provider, key }, version),
      );
    }
    case 'cloud': {
      const { url, key, keySetting, auth, organisation } = { ...provider, ...override };
      const headers = {
        ...(auth === 'bearer' ? { authorization: `Bearer ${key}` } : { 'x-api-key': key }),
        ...(organisation === undefined ? {} : { 'x-mdb-org': organisation }),
      };
      const target = { kind: 'cloud', url, baseUrl: url, keySetting, headers } as const;
      return openOver(describe('cloud', url, organisation, key), home, async () =>
        (await import('./http.ts')).createHttp(target),
      );
    }
  }
}

/**
 * The API of the daemon that this very process is, over a socket of its own: nothing is looked for, and nothing started. With
 * `key` its holder asks, and without it the socket's peer.
 */
export function ownDaemonApi(socketPath: string, home: Home, key: string | undefined): BackupApi {
  const url = `unix:${socketPath}`;
  const headers: Record<string, string> = key === undefined ? {} : { 'x-api-key': key };
  const target = {
    kind: 'daemon',
    url,
    baseUrl: 'http://skybackup',
    socketPath,
    keySetting: undefined,
    headers,
  } as const;
  return openOver(describe('daemon', url, undefined, key ?? ''), home, async () =>
    (await import('./http.ts')).createHttp(target),
  );
}

function openOver(provider: Provider, home: Home, http: () => Promise<Http>): BackupApi {
  return lazyBackupApi(provider, async () => {
    const [{ httpBackupApi }, loaded] = await Promise.all([import('./http-backup-api.ts'), http()]);
    return httpBackupApi(provider, loaded, home);
  });
}

function describe(kind: Provider['kind'], url: string, organisation: string | undefined, key: string): Provider {
  return {
    kind,
    url,
    capabilities: kind === 'cloud' ? cloudCapabilities : daemonCapabilities,
    // Only plans ask for it.
    get binding() {
      const fingerprint = digest(`skybackup key ${key}`);
      return digest(JSON.stringify([kind, url, organisation ?? null, fingerprint]));
    },
  };
}

function digest(text: string): string {
  // Loading it takes longer than all else here.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(text).digest('hex');
}
