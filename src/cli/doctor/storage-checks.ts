import { openBackupApi } from '../../client/open.ts';
import type { Settings } from '../../client/settings.ts';
import { daemonHealth } from '../../client/start-daemon.ts';
import { readStorages } from '../../storages/storage-files.ts';
import { keeperOf } from '../storages/keeper.ts';
import { type Finding, failed, ok, warning } from './finding.ts';

/**
 * Writes to each registered storage, reads back and removes that again. A daemon that runs does it itself: what the
 * environment gives a person at a terminal, it may lack.
 */
export async function storageChecks(settings: Settings): Promise<Finding[]> {
  const { home, provider } = settings;
  const api = openBackupApi(settings);
  try {
    const isLocal = provider.kind === 'local';
    const asked = isLocal && (await daemonHealth(home)) === undefined ? { ...api, daemon: undefined } : api;
    const names = isLocal
      ? readStorages(home).map(({ name }) => name)
      : (await api.listStorages()).map(({ name }) => name);
    const keeper = keeperOf(asked, settings);
    const checks = await Promise.all(
      names.map(async (name) => {
        const check = `storage ${name}`;
        try {
          const { path, remarks } = await keeper.checkStorage(name);
          return [
            ok(check, `${path}: written, read and deleted`),
            ...remarks.map((remark) => warning(check, remark, 'Know it, or use another storage.')),
          ];
        } catch (error) {
          return [failed(check, error)];
        }
      }),
    );
    return checks.flat();
  } catch (error) {
    return [failed('storages', error)];
  } finally {
    await api.close();
  }
}
