import type { Home } from '../contract/home.ts';
import type { BackupApi, Provider } from './backup-api.ts';
import { backupsCalls } from './backups-calls.ts';
import { cloudStorages } from './cloud-storages.ts';
import { daemonCalls, daemonHealthCall, daemonStoragesCall } from './daemon-calls.ts';
import type { Http } from './http.ts';
import { restoresCalls } from './restores-calls.ts';
import { schedulesCalls } from './schedules-calls.ts';
import { servicesCalls } from './services-calls.ts';

/** The Backup API over HTTP. Reads every revision tolerantly, writes strictly; nothing is sent before the first call. */
export function httpBackupApi(provider: Provider, http: Http, home: Pick<Home, 'storages'>): BackupApi {
  const services = servicesCalls(http);
  const { everyBackup, ...backups } = backupsCalls(http, provider.kind);
  const { everySchedule, ...schedules } = schedulesCalls(http, provider.kind, services.listServices);
  const { everyRestore, ...restores } = restoresCalls(http, provider.kind, services.listServices);
  const calls = { ...services, ...backups, ...schedules, ...restores };
  const clock = async (): Promise<Date> => new Date(http.now?.() ?? Date.now());
  const lists = { ...services, clock, everyBackup, everySchedule, everyRestore, listBackups: backups.listBackups };
  return {
    provider,
    ...calls,
    clock,
    ...(provider.kind === 'daemon' ? { listStorages: daemonStoragesCall(http) } : cloudStorages(home, calls)),
    getHealth:
      provider.kind === 'daemon'
        ? daemonHealthCall(http)
        : async (serviceId, options = {}) => (await import('./cloud-health.ts')).cloudHealth(lists, serviceId, options),
    daemon: provider.kind === 'daemon' ? daemonCalls(http) : undefined,
    close: () => http.close(),
  };
}
