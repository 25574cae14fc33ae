import { z } from 'zod';
import { defineTool } from '../define-tool.ts';
import { sizeInWords } from '../sizes-and-times.ts';
import { cleanText, quoteText } from '../untrusted-text.ts';

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
    return {
      text: storages.map(({ name, path, default_for, limit, backups = 0, storage_bytes = 0, trouble }) => {
        const whose = Array.isArray(default_for) ? default_for.join(', ') : default_for;
        return [
          `${quoteText(name, 40)}: ${quoteText(path)}, ${backups} backups (${sizeInWords(storage_bytes)})`,
          ...(whose === undefined ? [] : [`default of ${cleanText(whose)}`]),
          ...(limit === undefined ? [] : [`limited to ${limit}`]),
          ...(trouble === undefined ? [] : [`trouble: ${quoteText(trouble)}`]),
        ].join('; ');
      }),
      data: {
        storages: storages.map(({ name, path, default_for, limit, services, backups, trouble }) => ({
          name,
          path,
          default_for,
          limit,
          services,
          backups,
          trouble,
        })),
      },
    };
  },
});
