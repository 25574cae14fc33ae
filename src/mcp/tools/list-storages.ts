import { z } from 'zod';
import { defineTool } from '../define-tool.ts';
import { sizeInWords } from '../sizes-and-times.ts';
import { quoteText } from '../untrusted-text.ts';

export const listStorages = defineTool({
  name: 'list_storages',
  operation: 'read',
  title: 'List storages',
  description:
    'Lists where backups can go: the names that `storage` takes. A person adds one ("skybackup storages add").',
  input: z.strictObject({}),
  output: { storages: 'object[]' },
  async run(_args, { api, signal }) {
    const storages = await api.listStorages({ signal });
    return {
      text: storages.map(({ name, path, default_for, limit, backups = 0, storage_bytes = 0, trouble }) => {
        const whose = Array.isArray(default_for) ? default_for.join(', ') : default_for;
        return [
          `${name}: ${quoteText(path)}, ${backups} backups (${sizeInWords(storage_bytes)})`,
          ...(whose === undefined ? [] : [`default of ${whose}`]),
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
