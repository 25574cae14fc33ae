import { scheduleRowInWords } from '../schedule/words.ts';
import { defineResource } from './define-resource.ts';
import { firstPage, goOnWith } from './first-page.ts';

export const schedules = defineResource({
  name: 'schedules',
  title: 'Backup schedules',
  description: 'Schedules of all services, in words, with next runs (UTC)',
  read: ({ api, signal }) =>
    firstPage(
      'schedules',
      (query) => api.listSchedules({ ...query, order: 'desc' }, { signal }),
      (schedule) => scheduleRowInWords(schedule, 1),
      goOnWith('list_schedules'),
    ),
});
