import { goOnWith } from '../lists/list-page.ts';
import { restoreRow } from '../rows.ts';
import { defineResource } from './define-resource.ts';
import { firstPage } from './first-page.ts';

export const restores = defineResource({
  name: 'restores',
  title: 'Restores',
  description: 'The newest restores: target, backup, status, and the data of before that are kept',
  read: ({ api, signal }) =>
    firstPage(
      'restores',
      (query) => api.listRestores({ ...query, order: 'desc' }, { signal }),
      restoreRow,
      (cursor) => goOnWith('list_restores', cursor),
    ),
});
