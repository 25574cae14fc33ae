import { z } from 'zod';
import { daemonOf } from '../daemon-of.ts';
import { defineTool } from '../define-tool.ts';
import { backupId } from '../find/backup.ts';
import { backupRow } from '../rows.ts';

export const deleteBackup = defineTool({
  name: 'delete_backup',
  operation: 'destructive',
  needs: 'retention',
  title: 'Delete a backup',
  description:
    'Deletes one backup for good. Show it to the person first; a person must approve. Never the last good one, nor one that others build on. Old ones go by themselves: get_retention.',
  input: z.strictObject({ id: z.string().max(300) }),
  undo: { daemon: 'nothing does' },
  output: { id: 'string', service_id: 'string', deleted: 'boolean' },
  async exact({ id }, { api, signal }) {
    // Looked up here, where hidden services do not exist: a plan for one would describe it.
    const backup = await api.getBackup(backupId(id), { signal });
    return { id: backup.id, service_id: backup.service_id, label: backupRow(backup).text };
  },
  effect: async ({ id }) => ({ operation: 'delete_backup', arguments: { id }, repeat: { id } }),
  async run({ id, service_id, label }, { api, signal, planId }) {
    await daemonOf(api).deleteBackup(id, { signal, ...(planId === undefined ? {} : { planId }) });
    return { text: ['This backup is deleted:', label], data: { id, service_id, deleted: true } };
  },
});
