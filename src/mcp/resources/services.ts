import { goOnWith, onePage } from '../lists/list-page.ts';
import { serviceRow } from '../rows.ts';
import { defineResource } from './define-resource.ts';
import { firstPage } from './first-page.ts';

export const services = defineResource({
  name: 'services',
  title: 'Database services',
  description: 'The MariaDB services: status, version, place, last backup',
  async read({ api, signal }) {
    const items = await api.listServices({ signal });
    return firstPage(
      'services',
      async () => onePage(items),
      serviceRow,
      (cursor) => goOnWith('list_services', cursor),
    );
  },
});
