import { onTestFinished } from 'vitest';
import type { BackupApi } from '../../src/client/backup-api.ts';
import { openBackupApi } from '../../src/client/open.ts';
import { readSettings } from '../../src/client/settings.ts';
import { type CloudDouble, type CloudDoubleOptions, startCloudDouble } from './cloud.ts';

/** A cloud that does nothing by itself, and the client's API on it; both end with the test. */
export async function cloudOf(options: CloudDoubleOptions = {}): Promise<{ cloud: CloudDouble; api: BackupApi }> {
  const cloud = await startCloudDouble({ advance: false, ...options });
  const api = openBackupApi(readSettings({ HOME: '/nowhere', SKYSQL_API_KEY: cloud.key, SKYSQL_API_URL: cloud.url }));
  onTestFinished(async () => {
    await api.close();
    await cloud.close();
  });
  return { cloud, api };
}
