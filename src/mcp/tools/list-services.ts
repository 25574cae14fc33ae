import { z } from 'zod';
import type { BackupApi } from '../../client/backup-api.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { Service } from '../../contract/services.ts';
import { defineTool } from '../define-tool.ts';
import { findService } from '../find/service.ts';
import { heading, listArguments, listPage, onePage } from '../list-page.ts';
import { serviceRow } from '../rows.ts';
import { timeInWords } from '../sizes-and-times.ts';

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
    const [only] = items;
    const windows = service === undefined || only === undefined ? [] : await windowsOf(api, only.id, signal);
    const stopped = service !== undefined && only?.status === 'stopped';
    const by_status = page.next_cursor === undefined || cursor !== undefined ? undefined : statusesOf(items);
    return {
      text: [
        by_status &&
          `${page.count} services: ${by_status.map(([status, number]) => `${number} ${status}`).join(', ')}.`,
        heading(page, 'service', undefined),
        ...page.rows.map(({ text }) => text),
        windows.length === 0
          ? undefined
          : `Can go back to any moment of ${windows.map(({ from, to }) => `${from} to ${to}`).join('; ')}.`,
      ],
      data: {
        summary: by_status && { by_status: Object.fromEntries(by_status) },
        services: page.rows.map(({ data }) => data),
        count: page.count,
        next_cursor: page.next_cursor,
        ...(windows.length === 0 ? {} : { recovery_windows: windows }),
      },
      warnings: page.warnings,
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

/** How many there are in each, the most first. */
function statusesOf(services: readonly Service[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { status } of services) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** The newest of them last. None is said where the provider does not tell. */
async function windowsOf(
  api: BackupApi,
  serviceId: string,
  signal: AbortSignal,
): Promise<{ from: string; to: string }[]> {
  const windows = await api.lookupRecoveryWindows({ signal }).catch((error: unknown) => {
    if (error instanceof SkybackupError && error.code !== 'cancelled') return [];
    throw error;
  });
  return windows
    .filter(({ service_id }) => service_id === serviceId)
    .slice(-mostWindows)
    .map(({ start_time, end_time }) => ({
      from: timeInWords(start_time) ?? 'an unknown moment',
      to: timeInWords(end_time) ?? 'now',
    }));
}

const mostWindows = 5;
