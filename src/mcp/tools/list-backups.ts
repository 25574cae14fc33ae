import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { defineList } from '../define-list.ts';
import { findBackup, latest } from '../find/backup.ts';
import { backupRow } from '../rows.ts';

export const listBackups = defineList({
  thing: 'backup',
  title: 'List backups',
  description:
    'Lists backups, newest first: id, type, status, size, and the moment the data is of (UTC). With `id` shows one; "latest" with `service` is its newest usable one. Use it to choose what to restore, or to check that backups happen.',
  descriptionOf: { cloud: 'The cloud keeps backups 7 days; none can be deleted.' },
  service: 'Without it all services',
  id: z.string().max(300).describe('One backup id, or "latest"'),
  page: (api, query, { signal }) => api.listBackups(query, { signal }),
  async one(api, id, service, { signal }) {
    if (id !== latest) return api.getBackup(id, { signal });
    if (service !== undefined) return findBackup(api, latest, service, signal);
    throw new SkybackupError('invalid_request', '"latest" is the newest backup of a service: name the service too.');
  },
  row: backupRow,
  whenNone: 'create_backup takes a backup now, create_schedule regularly.',
});
