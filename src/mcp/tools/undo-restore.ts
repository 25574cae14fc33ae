import { z } from 'zod';
import { daemonOf } from '../daemon-of.ts';
import { defineTool } from '../define-tool.ts';
import { quoteText } from '../untrusted-text.ts';

export const undoRestore = defineTool({
  name: 'undo_restore',
  operation: 'destructive',
  needs: 'undoRestores',
  title: 'Undo a restore',
  description:
    'REPLACES ALL DATA of a service by those of before a restore, kept 72 hours (list_restores). What was written since is lost: say so first; a person must approve. Can be undone in turn.',
  input: z.strictObject({ id: z.number().int().min(1) }),
  undo: { daemon: 'undo_restore of the undo, for 72 hours' },
  output: { id: 'number', job_id: 'number', service_id: 'string', undo_of: 'number', wait_for: 'object' },
  async exact({ id }, { api, signal }) {
    // Looked up here, where hidden services do not exist: a plan for one would describe it.
    const restore = await api.getRestore(id, { signal });
    return { id: restore.id };
  },
  effect: async ({ id }) => ({ operation: 'undo_restore', arguments: { id }, repeat: { id } }),
  async run({ id }, { api, signal, planId }) {
    const undo = await daemonOf(api).undoRestore(id, { signal, ...(planId === undefined ? {} : { planId }) });
    const wait = { kind: 'restore', id: undo.id };
    return {
      text: [
        `Restore ${undo.id} has started (${quoteText(undo.status)}, job ${undo.job_id}): it undoes restore ${id} of ${undo.service_id}.`,
      ],
      data: {
        id: undo.id,
        job_id: undo.job_id,
        service_id: undo.service_id,
        undo_of: id,
        status: undo.status,
        wait_for: wait,
      },
      warnings: undo.warnings ?? [],
      next: `Call wait_for with ${JSON.stringify(wait)}: it tells the state of the service and how to go back again.`,
    };
  },
});
