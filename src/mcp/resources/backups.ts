import { findService } from '../find/service.ts';
import { goOnWith } from '../lists/list-page.ts';
import { backupRow } from '../rows.ts';
import { defineResource, defineServiceResource, type Reading } from './define-resource.ts';
import { firstPage } from './first-page.ts';

export const backups = defineResource({
  name: 'backups',
  title: 'Backups',
  description: 'The newest backups of all services',
  read: (reading) => newest(reading),
});

export const serviceBackups = defineServiceResource({
  name: 'backups',
  title: 'Backups of a service',
  description: 'The newest backups of one service',
  read: async (reading, service) => newest(reading, (await findService(reading.api, service, reading.signal)).id),
});

function newest({ api, signal }: Reading, service?: string): Promise<Record<string, unknown>> {
  return firstPage(
    'backups',
    (query) => api.listBackups({ ...query, order: 'desc', ...(service && { service_id: service }) }, { signal }),
    backupRow,
    (cursor) => goOnWith('list_backups', cursor, service),
  );
}
