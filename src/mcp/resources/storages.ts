import { onePage } from '../lists/list-page.ts';
import { storageRow } from '../rows.ts';
import { defineResource } from './define-resource.ts';
import { firstPage } from './first-page.ts';

export const storages = defineResource({
  name: 'storages',
  title: 'Storages',
  description: 'Where backups can go, by name; never credentials',
  async read({ api, signal }) {
    const items = await api.listStorages({ signal });
    return firstPage(
      'storages',
      async () => onePage(items),
      storageRow,
      () => 'For all call list_storages.',
    );
  },
});
