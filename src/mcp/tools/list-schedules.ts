import { z } from 'zod';
import { defineTool } from '../define-tool.ts';
import { findService } from '../find/service.ts';
import { heading, listArguments, listPage, onePage } from '../list-page.ts';
import { scheduleRow } from '../rows.ts';
import { scheduleInWords } from '../schedule-words.ts';

export const listSchedules = defineTool({
  name: 'list_schedules',
  operation: 'read',
  title: 'List backup schedules',
  description:
    'Lists backup schedules in words with their next runs (UTC), one-time backups included. With `id` shows one. Use it before changing or deleting a schedule, and to see whether a service is backed up at all.',
  input: z.strictObject({
    service: z.string().max(300).optional().describe('Id, unique name or FQDN; without it all services'),
    id: z.number().int().min(1).optional().describe('One schedule id'),
    ...listArguments,
  }),
  output: {
    schedules: 'object[]',
    count: 'number',
    next_cursor: 'string',
  },
  async run({ service, id, limit, cursor }, { api, signal }) {
    const scope = service === undefined ? {} : { service_id: (await findService(api, service, signal)).id };
    const page = await listPage(
      { limit, cursor },
      async (query) =>
        id === undefined
          ? api.listSchedules({ ...query, ...scope, order: 'desc' }, { signal })
          : onePage([await api.getSchedule(id, { signal })]),
      async (schedule) => {
        const { words, next } = await scheduleInWords(schedule.schedule, id === undefined ? 1 : 3, schedule.suspended);
        return scheduleRow(schedule, words, next);
      },
    );
    return {
      text: [heading(page, 'schedule', scope.service_id), ...page.rows.map(({ text }) => text)],
      data: { schedules: page.rows.map(({ data }) => data), count: page.count, next_cursor: page.next_cursor },
      next:
        page.next_cursor !== undefined
          ? `For more call list_schedules with cursor "${page.next_cursor}".`
          : page.count === 0
            ? 'Nothing is backed up regularly here. create_schedule changes that; ask the person when and how often.'
            : undefined,
    };
  },
});
