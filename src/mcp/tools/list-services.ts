import { z } from 'zod';
import { defineTool } from '../define-tool.ts';
import { knownWindows, windowsInWords } from '../find/recovery-windows.ts';
import { findService } from '../find/service.ts';
import { countsInWords, tally } from '../lists/counts.ts';
import { goOnWith, heading, listArguments, listPage, onePage } from '../lists/list-page.ts';
import { serviceRow } from '../rows.ts';

const mostWindows = 5;

export const listServices = defineTool({
  name: 'list_services',
  operation: 'read',
  title: 'List database services',
  description:
    'Lists MariaDB services: id, status, version. Start here when a person names a database. With `service` that one, and the moments it can go back to.',
  input: z.strictObject({
    service: z.string().max(300).optional().describe('Id, unique name or FQDN'),
    ...listArguments,
  }),
  output: {
    services: 'array',
    count: 'number',
    next_cursor: 'string',
    recovery_windows: 'array',
  },
  async run({ service, limit, cursor }, { api, signal }) {
    const items =
      service === undefined ? await api.listServices({ signal }) : [await findService(api, service, signal)];
    const page = await listPage({ limit, cursor }, async () => onePage(items), serviceRow);
    const [only] = service === undefined ? [] : items;
    const known = only === undefined ? [] : await knownWindows(api, signal);
    const windows = windowsInWords(
      known.filter(({ service_id }) => service_id === only?.id),
      mostWindows,
    );
    const stopped = only?.status === 'stopped';
    const by_status =
      page.next_cursor === undefined || cursor !== undefined ? undefined : tally(items.map(({ status }) => status));
    return {
      text: [
        by_status && `${page.count} services: ${countsInWords(by_status)}.`,
        heading(page, 'service', undefined),
        ...page.rows.map(({ text }) => text),
        windows.length === 0
          ? undefined
          : `Can go back to any moment of ${windows.map(({ from, to }) => `${from} to ${to}`).join('; ')}.`,
      ],
      data: {
        summary: by_status && { by_status },
        services: page.rows.map(({ data }) => data),
        count: page.count,
        next_cursor: page.next_cursor,
        ...(windows.length === 0 ? {} : { recovery_windows: windows }),
      },
      warnings: page.warnings,
      next:
        page.next_cursor !== undefined
          ? goOnWith('list_services', page.next_cursor)
          : page.count === 0
            ? 'A person registers a server with "skybackup services add <id>".'
            : stopped
              ? `${only?.id} is stopped: start_service starts it, if the person wants that.`
              : undefined,
    };
  },
});
