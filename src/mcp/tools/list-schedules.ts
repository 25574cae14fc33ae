import { z } from 'zod';
import { defineList } from '../define-list.ts';
import { scheduleRow } from '../rows.ts';
import { scheduleInWords } from '../schedule-words.ts';

export const listSchedules = defineList({
  thing: 'schedule',
  title: 'List backup schedules',
  description:
    'Lists backup schedules in words with their next runs (UTC), one-time backups included. With `id` shows one. Use it before changing or deleting a schedule, and to see whether a service is backed up at all.',
  service: 'Without it all services',
  id: z.number().int().min(1).describe('One schedule id'),
  page: (api, query, { signal }) => api.listSchedules(query, { signal }),
  one: (api, id, _service, { signal }) => api.getSchedule(id, { signal }),
  async row(schedule, alone) {
    const { words, next } = await scheduleInWords(schedule.schedule, alone ? 3 : 1, schedule.suspended);
    return scheduleRow(schedule, words, next);
  },
  whenNone: 'Nothing is backed up regularly here. create_schedule changes that; ask the person when and how often.',
});
