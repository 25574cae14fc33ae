import { z } from 'zod';
import { defineTool } from '../define-tool.ts';
import { storageRow } from '../rows.ts';

export const listStorages = defineTool({
  name: 'list_storages',
  operation: 'read',
  title: 'List storages',
  description: 'Lists the places for backups that `storage` takes. A person adds one ("skybackup storages add").',
  input: z.strictObject({}),
  output: { storages: 'array' },
  async run(_args, { api, signal }) {
    const storages = await api.listStorages({ signal });
    if (storages.length === 0) {
      return {
        text: ['No storage is registered: backups go where the provider keeps them.'],
        data: { storages: [] },
        next: 'A person adds a bucket with "skybackup storages add".',
      };
    }
    const rows = storages.map(storageRow);
    return { text: rows.map(({ text }) => text), data: { storages: rows.map(({ data }) => data) } };
  },
});
