import { z } from 'zod';
import { backupForms, backupId, findBackup, isLatest } from '../find/backup.ts';
import { backupsSummary } from '../lists/backups-summary.ts';
import { defineList } from '../lists/define-list.ts';
import { backupRow } from '../rows.ts';

export const listBackups = defineList({
  thing: 'backup',
  title: 'List backups',
  description:
    'Sums backups up and lists them, newest first: type, status, size, and of when their data is. Use it to choose what to restore; for "are we safe?" check_backups.',
  descriptionOf: { cloud: 'Backups are kept 7 days; none can be deleted.' },
  id: z.string().max(300).describe(backupForms),
  page: (api, query, { signal }) => api.listBackups(query, { signal }),
  // One that failed is shown, too.
  one: (api, id, service, call) =>
    isLatest(id) ? findBackup(id, service, call) : api.getBackup(backupId(id), { signal: call.signal }),
  row: backupRow,
  summary: backupsSummary,
  whenNone: 'create_backup takes a backup now, create_schedule regularly.',
});
