import { goOnWith } from '../lists/list-page.ts';
import { scheduleRowInWords } from '../schedule/words.ts';
import { defineResource } from './define-resource.ts';
import { firstPage } from './first-page.ts';

export const schedules = defineResource({
  name: 'schedules',
  title: 'Backup schedules',
  description: 'Schedules of all services, in words, with next runs (UTC)',
  read: ({ api, signal }) =>
    firstPage(
      'schedules',
      (query) => api.listSchedules({ ...query, order: 'desc' }, { signal }),
      (schedule) => scheduleRowInWords(schedule, 1),
      (cursor) => goOnWith('list_schedules', cursor),
    ),
});
