import { z } from 'zod';
import { restoredFrom } from '../../contract/either-revision.ts';
import { defineTool } from '../define-tool.ts';
import { dataInWords, findRestore } from '../find/restore.ts';

export const restoreBackup = defineTool({
  name: 'restore_backup',
  operation: 'destructive',
  title: 'Restore a backup',
  description:
    'REPLACES ALL DATA of a service by a backup. Before calling, tell the person which service loses its data, to which moment it goes back, and offer create_backup of it first. The first call changes nothing: a person must approve the plan, in a form or as the answer says; only then does it start. Returns at once; then wait_for.',
  descriptionOf: {
    daemon:
      'Offer target "new" first: it makes a service of the backup, or of some tables of it, replaces nothing and needs no approval. A point in time is exact to the transaction. A server registered without a data directory only takes dumps: imported, not atomic.',
    cloud:
      "Only within one cloud provider; the target is stopped meanwhile and may need start_service; with another source the users become the source's; point_in_time needs snapshots.",
  },
  daemonOnly: ['target', 'tables', 'gtid', 'before_gtid', 'keep_account', 'safety_dump'],
  cloudOnly: ['safety_backup'],
  input: z.strictObject({
    target: z.literal('new').optional(),
    service: z
      .string()
      .max(300)
      .optional()
      .describe('TARGET, loses its data; with target "new" an id for the new one, if any is wanted'),
    tables: z
      .array(z.string().max(300))
      .min(1)
      .max(500)
      .optional()
      .describe('What a new service brings, all else is left out: "shop.orders", "shop.*"'),
    backup: z
      .string()
      .max(300)
      .optional()
      .describe('Backup id, or "latest"; left out for the best one for a point in time'),
    source: z.string().max(300).optional().describe('Whose "latest" or point in time; default the target itself'),
    point_in_time: z.string().max(40).optional().describe('YYYY-MM-DD HH:MM:SS, UTC'),
    gtid: z.string().max(2000).optional().describe('Instead of a time: the last transaction wanted'),
    before_gtid: z.string().max(100).optional().describe('Instead: the first one not wanted, a DROP say'),
    keep_account: z.boolean().optional().describe("false: skybackup's own login becomes the backup's as well"),
    safety_dump: z.boolean().optional().describe('false: no dump first, where a running server imports one'),
    safety_backup: z
      .boolean()
      .optional()
      .describe('false: the person gives up the way back, a backup of the target of the last hour'),
  }),
  output: {
    id: 'number',
    job_id: 'number',
    service_id: 'string',
    backup_id: 'string',
    wait_for: 'object',
  },
  exact: (args, call) => findRestore(args, call),
  async effect({ service_id, id, wish, target, declined }) {
    // Nothing is replaced.
    if (target === 'new') return undefined;
    const what = id.includes(':') ? { backup: id } : { source: id };
    return {
      operation: 'restore_backup',
      arguments: { service_id, id, ...wish, ...declined },
      repeat: { service: service_id, ...what, ...wish, ...declined },
    };
  },
  async run({ service_id, id, wish, target, tables, declined }, { api, signal, planId }) {
    // The plan's own: the cloud knows no such thing.
    const { safety_backup: _, ...told } = declined;
    const restore = await api.createRestore(
      {
        backup_id: id,
        ...(service_id === undefined ? {} : { service_id }),
        ...(target === undefined ? {} : { target }),
        ...(tables === undefined ? {} : { tables }),
        ...wish,
        ...told,
        ...(planId === undefined ? {} : { plan_id: planId }),
      },
      { signal },
    );
    const wait = { kind: 'restore', id: restore.id };
    const what = dataInWords({ id, wish });
    return {
      text: [
        target === 'new'
          ? `Restore ${restore.id} has started: it makes the new service ${restore.service_id} of ${what}. Nothing is replaced.`
          : `Restore ${restore.id} has started: the data of ${restore.service_id} are being replaced by ${what}.`,
      ],
      data: {
        id: restore.id,
        job_id: restore.job_id,
        service_id: restore.service_id,
        backup_id: restoredFrom(restore) ?? id,
        status: restore.status,
        wait_for: wait,
      },
      warnings: restore.warnings ?? [],
      next:
        target === 'new'
          ? `Call wait_for with ${JSON.stringify(wait)}: it tells how to open the new service, and how to remove it.`
          : `Call wait_for with ${JSON.stringify(wait)}: it tells the state of the service, its users and how to undo.`,
    };
  },
});
