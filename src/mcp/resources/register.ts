import { type McpServer, type ReadResourceResult, ResourceTemplate } from '@modelcontextprotocol/server';
import { toSkybackupError } from '../../contract/errors.ts';
import type { GuardContext } from '../context.ts';
import { findService } from '../find/service.ts';
import { listPage } from '../list-page.ts';
import { outwardData, outwardText } from '../outward.ts';
import { backupRow, scheduleRow } from '../rows.ts';
import { scheduleInWords } from '../schedule/words.ts';

const json = 'application/json';

/** Backups and schedules for clients that attach them to a conversation. The same rows as the tools', the first page of each. */
export function registerResources(server: McpServer, { api }: GuardContext): void {
  const signal = (ctx: { mcpReq: { signal: AbortSignal } }): AbortSignal => ctx.mcpReq.signal;

  server.registerResource(
    'backups',
    'skybackup://backups',
    { title: 'Backups', description: 'The newest backups of all services', mimeType: json },
    (uri, ctx) => asJson(uri, () => backups({}, signal(ctx))),
  );
  server.registerResource(
    'service-backups',
    new ResourceTemplate('skybackup://backups/{service_id}', {
      list: undefined,
      complete: { service_id: completeService },
    }),
    { title: 'Backups of a service', description: 'The newest backups of one service', mimeType: json },
    (uri, { service_id }, ctx) =>
      asJson(uri, async () => {
        const given = decodeURIComponent(String(service_id));
        return backups({ service_id: (await findService(api, given, signal(ctx))).id }, signal(ctx));
      }),
  );
  server.registerResource(
    'schedules',
    'skybackup://schedules',
    {
      title: 'Backup schedules',
      description: 'Schedules of all services, in words, with next runs (UTC)',
      mimeType: json,
    },
    (uri, ctx) => asJson(uri, () => schedules(signal(ctx))),
  );

  async function backups(scope: { service_id?: string }, signal: AbortSignal) {
    const page = await listPage(
      { limit: 25 },
      (query) => api.listBackups({ ...query, ...scope, order: 'desc' }, { signal }),
      backupRow,
    );
    return { backups: page.rows.map(({ data }) => data), count: page.count, next_cursor: page.next_cursor };
  }

  async function schedules(signal: AbortSignal) {
    const page = await listPage(
      { limit: 25 },
      (query) => api.listSchedules({ ...query, order: 'desc' }, { signal }),
      async (schedule) => {
        const { words, next } = await scheduleInWords(schedule.schedule, 1, schedule.suspended);
        return scheduleRow(schedule, words, next);
      },
    );
    return { schedules: page.rows.map(({ data }) => data), count: page.count, next_cursor: page.next_cursor };
  }

  async function completeService(start: string): Promise<string[]> {
    // A completion that fails must not disturb typing: there is just nothing to offer.
    const services = await api.listServices().catch(() => []);
    return services
      .map(({ id }) => id)
      .filter((id) => id.startsWith(start.toLowerCase()))
      .slice(0, 100);
  }
}

async function asJson(uri: URL, read: () => Promise<Record<string, unknown>>): Promise<ReadResourceResult> {
  try {
    const text = JSON.stringify(outwardData(await read(), 600));
    return { contents: [{ uri: uri.href, mimeType: json, text }] };
  } catch (thrown) {
    const { message, hint, code } = toSkybackupError(thrown);
    // The SDK hands a thrown message on verbatim: only clean words may leave.
    throw new Error(outwardText(`${message} ${hint} [${code}]`, 600));
  }
}
