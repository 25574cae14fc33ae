import type { BackupApi } from '../client/backup-api.ts';
import { localStorage } from '../contract/default-storage.ts';
import { classifyStatus } from '../contract/status.ts';
import { latest } from './find/backup.ts';
import { findService } from './find/service.ts';
import { outwardText } from './outward.ts';

/** What can stand for a value that begins like this, with the arguments that were chosen so far. */
type Complete = (start: string, chosen: Record<string, string>) => Promise<string[]>;
export type Completed = 'service' | 'backup' | 'storage';

/** As many as the protocol lets through. */
const most = 100;
const deadlineMs = 5000;

/** Completions of what people name, from what is visible here. One that fails must not disturb typing: there is just nothing to offer. */
export function completions(api: BackupApi): Record<Completed, Complete> {
  return {
    async service(start) {
      const services = await api.listServices({ deadlineMs }).catch(() => []);
      const begins = (text: string | undefined): boolean =>
        text?.toLowerCase().startsWith(start.toLowerCase()) ?? false;
      return clean(services.filter(({ id, name }) => begins(id) || begins(name)).map(({ id }) => id));
    },
    async backup(start, { service = '' }) {
      if (service.trim() === '') return [];
      const restorable = await restorableOf(api, service).catch(() => []);
      return clean([latest, ...restorable].filter((id) => id.startsWith(start)));
    },
    async storage(start) {
      const storages = await api.listStorages({ deadlineMs }).catch(() => []);
      const names = storages.map(({ name }) => name).filter((name) => name !== localStorage);
      return clean(names.filter((name) => name.startsWith(start)));
    },
  };
}

async function restorableOf(api: BackupApi, service: string): Promise<string[]> {
  const { id } = await findService(api, service, AbortSignal.timeout(deadlineMs));
  const { items } = await api.listBackups({ service_id: id, order: 'desc', page_size: most }, { deadlineMs });
  return items
    .filter(({ status, type }) => classifyStatus(status) === 'done' && type !== 'binarylog')
    .map((backup) => backup.id);
}

function clean(values: string[]): string[] {
  return values.slice(0, most).map((value) => outwardText(value, 300));
}
