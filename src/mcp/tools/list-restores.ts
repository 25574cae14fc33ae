import { z } from 'zod';
import { defineTool } from '../define-tool.ts';
import { findService } from '../find/service.ts';
import { heading, listArguments, listPage, onePage } from '../list-page.ts';
import { restoreRow } from '../rows.ts';

export const listRestores = defineTool({
  name: 'list_restores',
  operation: 'read',
  title: 'List restores',
  description:
    'Lists restores, newest first: target service, backup, status, and where the data of before are kept. With `id` shows one. To wait for a running one use wait_for.',
  input: z.strictObject({
    service: z.string().max(300).optional().describe('Target: id, unique name or FQDN; without it all'),
    id: z.number().int().min(1).optional().describe('One restore id'),
    ...listArguments,
  }),
  output: {
    restores: 'object[]',
    count: 'number',
    next_cursor: 'string',
  },
  async run({ service, id, limit, cursor }, { api, signal }) {
    const scope = service === undefined ? {} : { service_id: (await findService(api, service, signal)).id };
    const page = await listPage(
      { limit, cursor },
      async (query) =>
        id === undefined
          ? api.listRestores({ ...query, ...scope, order: 'desc' }, { signal })
          : onePage([await api.getRestore(id, { signal })]),
      restoreRow,
    );
    return {
      text: [heading(page, 'restore', scope.service_id), ...page.rows.map(({ text }) => text)],
      data: { restores: page.rows.map(({ data }) => data), count: page.count, next_cursor: page.next_cursor },
      next: page.next_cursor && `For more call list_restores with cursor "${page.next_cursor}".`,
    };
  },
});
