import { z } from 'zod';
import { defineList } from '../define-list.ts';
import { restoreRow } from '../rows.ts';

export const listRestores = defineList({
  thing: 'restore',
  title: 'List restores',
  description:
    'Lists restores, newest first: target service, backup, status, and the data of before that are kept, which undo_restore puts back. With `id` shows one. To wait for a running one use wait_for.',
  service: 'The target; without it all',
  id: z.number().int().min(1).describe('One restore id'),
  page: (api, query, { signal }) => api.listRestores(query, { signal }),
  one: (api, id, _service, { signal }) => api.getRestore(id, { signal }),
  row: restoreRow,
});
