import { z } from 'zod';
import { defineList } from '../lists/define-list.ts';
import { restoreRow } from '../rows.ts';

export const listRestores = defineList({
  thing: 'restore',
  title: 'List restores',
  description: 'Lists restores, newest first: target, backup, status. Running ones: wait_for.',
  descriptionOf: { daemon: 'Also the old data that undo_restore puts back.' },
  id: z.number().int().min(1),
  page: (api, query, { signal }) => api.listRestores(query, { signal }),
  one: (api, id, _service, { signal }) => api.getRestore(id, { signal }),
  row: restoreRow,
});
