import { z } from 'zod';
import { restoredFrom } from '../../contract/either-revision.ts';
import { defineTool } from '../define-tool.ts';
import { backupForms } from '../find/backup.ts';
import { momentForm } from '../find/moment.ts';
import { dataInWords, findRestore } from '../find/restore.ts';
import { quoteText } from '../untrusted-text.ts';

export const restoreBackup = defineTool({
  name: 'restore_backup',
  operation: 'destructive',
  title: 'Restore a backup',
  description:
    'REPLACES ALL DATA of a service by a backup or a point in time. First tell the person which service loses what, and offer create_backup of it. The first call only makes a plan: a person must approve it, as the answer says. Then wait_for.',
  descriptionOf: {
    daemon:
      'Offer target "new" first: it makes a service of the backup, or of some tables, replaces nothing, needs no approval. A server without a known data directory takes dumps only, and not atomically.',
    cloud:
      "Only within one cloud provider. The target is stopped meanwhile and may need start_service; of another source it gets the source's users. point_in_time needs snapshots.",
  },
  daemonOnly: ['target', 'tables', 'gtid', 'before_gtid', 'keep_account', 'safety_dump'],
  cloudOnly: ['safety_backup'],
  input: z.strictObject({
    target: z.literal('new').optional(),
    service: z
      .string()
      .max(300)
      .optional()
      .describe('TARGET, loses its data; with target "new" the id it gets, if any is wanted'),
    tables: z
      .array(z.string().max(300))
      .min(1)
      .max(500)
      .optional()
      .describe('For target "new", all else is left out: "shop.orders", "shop.*"'),
    backup: z.string().max(300).optional().describe(`${backupForms}; not needed for a point in time`),
    source: z.string().max(300).optional().describe('Whose backup or point in time; default: service'),
    point_in_time: z.string().max(100).optional().describe(momentForm),
    gtid: z.string().max(2000).optional().describe('Last transaction wanted'),
    before_gtid: z.string().max(100).optional().describe('First one not wanted, a DROP say'),
    keep_account: z.boolean().optional().describe("false: skybackup's own login becomes the backup's as well"),
    safety_dump: z.boolean().optional().describe('false: no dump first of a server that imports one'),
    safety_backup: z
      .boolean()
      .optional()
      .describe('false: the person gives up the way back, a backup of the target of the last hour'),
  }),
  undo: {
    daemon:
      'undo_restore puts the data of before back, kept for 72 hours; where a running server imported a dump, the dump of before it is restored',
    cloud:
      'nothing does: the way back is a backup of the target of the last hour before, unless the person gave that up',
  },
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
    const begun = `Restore ${restore.id} has started (${[quoteText(restore.status), restore.job_id && `job ${restore.job_id}`].filter(Boolean).join(', ')})`;
    return {
      text: [
        target === 'new'
          ? `${begun}: it makes the new service ${restore.service_id} of ${what}. Nothing is replaced.`
          : `${begun}: the data of ${restore.service_id} are being replaced by ${what}.`,
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
