import { createHash } from 'node:crypto';
import type { BackupApi, Capabilities, Provider } from './backup-api.ts';
import type { Http } from './http.ts';
import { httpBackupApi } from './http-backup-api.ts';
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
  undoRestores: false,
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
      return httpBackupApi(
        describe('daemon', url, undefined, override.key ?? ''),
        lazily(async () => (await import('./local-http.ts')).localHttp({ home, version }, override.key)),
      );
    }
    case 'daemon': {
      const { url, key = provider.key } = { url: provider.url, ...override };
      return httpBackupApi(
        describe('daemon', url, undefined, key),
        lazily(async () => (await import('./remote-http.ts')).remoteHttp({ ...provider, key }, version)),
      );
    }
    case 'cloud': {
      const { url, key, keySetting, auth, organisation } = { ...provider, ...override };
      const headers = {
        ...(auth === 'bearer' ? { authorization: `Bearer ${key}` } : { 'x-api-key': key }),
        ...(organisation === undefined ? {} : { 'x-mdb-org': organisation }),
      };
      const target = { kind: 'cloud', url, baseUrl: url, keySetting, headers } as const;
      return httpBackupApi(
        describe('cloud', url, organisation, key),
        lazily(async () => (await import('./http.ts')).createHttp(target)),
      );
    }
  }
}

/** An HTTP client that is loaded at its first request: a server that is only probed must start fast. */
function lazily(load: () => Promise<Http>): Http {
  let loaded: Promise<Http> | undefined;
  return {
    async request(wanted) {
      loaded ??= load();
      return (await loaded).request(wanted);
    },
    close: async () => (await loaded)?.close(),
  };
}

function describe(kind: Provider['kind'], url: string, organisation: string | undefined, key: string): Provider {
  const fingerprint = digest(`skybackup key ${key}`);
  return {
    kind,
    url,
    capabilities: kind === 'cloud' ? cloudCapabilities : daemonCapabilities,
    binding: digest(JSON.stringify([kind, url, organisation ?? null, fingerprint])),
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
