import { z } from 'zod';
import { defineTool } from '../define-tool.ts';

export const deleteSchedule = defineTool({
  name: 'delete_schedule',
  operation: 'destructive',
  title: 'Delete a backup schedule',
  description:
    'Ends a schedule for good; its backups stay. Show it to the person first; a person must approve. For a pause: update_schedule with suspended.',
  input: z.strictObject({ id: z.number().int().min(1) }),
  undo: {
    daemon: 'create_schedule makes it again; backups it made stay',
    cloud: 'create_schedule makes it again; backups it made stay their 7 days',
  },
  output: { id: 'number', deleted: 'boolean' },
  async exact({ id }, { api, signal }) {
    // Looked up here, where hidden services do not exist: a plan for one would describe it.
    await api.getSchedule(id, { signal });
    return { id };
  },
  effect: async ({ id }) => ({ operation: 'delete_schedule', arguments: { id }, repeat: { id } }),
  async run({ id }, { api, signal, planId }) {
    await api.deleteSchedule(id, { signal, ...(planId === undefined ? {} : { planId }) });
    return {
      text: [`Schedule ${id} is deleted. Backups that it took stay.`],
      data: { id, deleted: true },
      next: 'Check with list_schedules that the service is still backed up by another schedule.',
    };
  },
});
