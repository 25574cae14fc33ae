import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { defineTool } from '../define-tool.ts';
import { findBackup, latest } from '../find/backup.ts';
import { findService } from '../find/service.ts';
import { heading, listArguments, listPage, onePage } from '../list-page.ts';
import { backupRow } from '../rows.ts';

export const listBackups = defineTool({
  name: 'list_backups',
  operation: 'read',
  title: 'List backups',
  description:
    'Lists backups, newest first: id, type, status, size, and the moment the data is of (UTC). With `id` shows one; "latest" with `service` is its newest usable one. Use it to choose what to restore, or to check that backups happen. An incremental needs the full it names. The SkySQL cloud keeps backups 7 days and none can be deleted.',
  input: z.strictObject({
    service: z.string().max(300).optional().describe('Id, unique name or FQDN; without it all services'),
    id: z.string().max(300).optional().describe('One backup id, or "latest"'),
    ...listArguments,
  }),
  output: {
    backups: 'object[]',
    count: 'number',
    next_cursor: 'string',
  },
  async run({ service, id, limit, cursor }, { api, signal }) {
    const scope = service === undefined ? {} : { service_id: (await findService(api, service, signal)).id };
    const one = async () => {
      if (id !== latest) return api.getBackup(id ?? '', { signal });
      if (scope.service_id !== undefined) return findBackup(api, latest, scope.service_id, signal);
      throw new SkybackupError('invalid_request', '"latest" is the newest backup of a service: name the service too.');
    };
    const page = await listPage(
      { limit, cursor },
      async (query) =>
        id === undefined ? api.listBackups({ ...query, ...scope, order: 'desc' }, { signal }) : onePage([await one()]),
      backupRow,
    );
    return {
      text: [heading(page, 'backup', scope.service_id), ...page.rows.map(({ text }) => text)],
      data: { backups: page.rows.map(({ data }) => data), count: page.count, next_cursor: page.next_cursor },
      next:
        page.next_cursor !== undefined
          ? `For more call list_backups with cursor "${page.next_cursor}".`
          : page.count === 0
            ? 'create_backup takes a backup now, create_schedule regularly.'
            : undefined,
    };
  },
});
