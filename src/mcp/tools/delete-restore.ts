import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { classifyStatus } from '../../contract/status.ts';
import { defineTool } from '../define-tool.ts';
import { restoreRow } from '../rows.ts';

export const deleteRestore = defineTool({
  name: 'delete_restore',
  operation: 'destructive',
  title: 'Delete the record of a restore',
  description:
    'Deletes the record of a finished restore from list_restores, and no data. Show it to the person first; a person must approve. To take a restore back, or to stop one, this is wrong.',
  input: z.strictObject({ id: z.int().min(1) }),
  undo: { daemon: 'nothing does; no data are touched', cloud: 'nothing does; no data are touched' },
  output: { id: 'number', service_id: 'string', deleted: 'boolean' },
  async exact({ id }, { api, signal }) {
    // Looked up here, where hidden services do not exist: a plan for one would describe it.
    const restore = await api.getRestore(id, { signal });
    if (classifyStatus(restore.status) === 'in_progress') {
      throw new SkybackupError('conflict', `Restore ${id} is running: only the record of one that ended can go.`, {
        hint: `Call wait_for with {"kind":"restore","id":${id}} first.`,
      });
    }
    return { id, service_id: restore.service_id, label: restoreRow(restore).text };
  },
  effect: async ({ id }) => ({ operation: 'delete_restore', arguments: { id }, repeat: { id } }),
  async run({ id, service_id, label }, { api, signal, planId }) {
    await api.deleteRestore(id, { signal, ...(planId === undefined ? {} : { planId }) });
    return {
      text: [`The record of restore ${id} is deleted; the data of ${service_id} are as they were:`, label],
      data: { id, service_id, deleted: true },
    };
  },
});
