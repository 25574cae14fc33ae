import { z } from 'zod';
import { defineList } from '../lists/define-list.ts';
import { scheduleRowInWords } from '../schedule/words.ts';

export const listSchedules = defineList({
  thing: 'schedule',
  title: 'List backup schedules',
  description:
    'Lists schedules in words with their next runs, one-time ones too. Use it before changing or deleting one.',
  id: z.number().int().min(1),
  page: (api, query, { signal }) => api.listSchedules(query, { signal }),
  one: (api, id, _service, { signal }) => api.getSchedule(id, { signal }),
  row: (schedule, alone) => scheduleRowInWords(schedule, alone ? 3 : 1),
  whenNone: 'Nothing is backed up regularly here. create_schedule changes that; ask the person when and how often.',
});
