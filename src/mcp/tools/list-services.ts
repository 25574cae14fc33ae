import { z } from 'zod';
import { defineTool } from '../define-tool.ts';
import { findService } from '../find/service.ts';
import { heading, listArguments, listPage, onePage } from '../list-page.ts';
import { serviceRow } from '../rows.ts';

export const listServices = defineTool({
  name: 'list_services',
  operation: 'read',
  title: 'List database services',
  description:
    'Lists the MariaDB services that can be backed up and restored: id, status, version, place. Start here when a person names a database: every `service` argument takes an id, a unique name or an FQDN. With `service` shows that one, for example to see whether it runs again after a restore.',
  input: z.strictObject({
    service: z.string().max(300).optional(),
    ...listArguments,
  }),
  output: {
    services: 'object[]',
    count: 'number',
    next_cursor: 'string',
  },
  async run({ service, limit, cursor }, { api, signal }) {
    const items =
      service === undefined ? await api.listServices({ signal }) : [await findService(api, service, signal)];
    const page = await listPage({ limit, cursor }, async () => onePage(items), serviceRow);
    const [only] = items;
    const stopped = service !== undefined && only?.status === 'stopped';
    return {
      text: [heading(page, 'service', undefined), ...page.rows.map(({ text }) => text)],
      data: { services: page.rows.map(({ data }) => data), count: page.count, next_cursor: page.next_cursor },
      next:
        page.next_cursor !== undefined
          ? `For more call list_services with cursor "${page.next_cursor}".`
          : page.count === 0
            ? 'A person registers a server with "skybackup services add <id>".'
            : stopped
              ? `${only?.id} is stopped: start_service starts it, if the person wants that.`
              : undefined,
    };
  },
});
