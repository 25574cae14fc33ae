import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { parseRequest } from '../../contract/parse-request.ts';
import { daemonOf } from '../daemon-of.ts';
import { defineTool } from '../define-tool.ts';
import { findService } from '../find/service.ts';
import { passInWords, retentionData } from '../retention-words.ts';

const count = z.number().int().min(1).optional();
const text = (what: string) => z.string().max(20).optional().describe(what);

export const setRetention = defineTool({
  name: 'set_retention',
  operation: 'write',
  needs: 'retention',
  idempotent: true,
  title: 'Change how long backups are kept',
  description:
    'Sets which backups of a service are kept, as one whole rule. Counts choose (the newest of each of so many days, weeks, …), max_age and max_size cut; without counts all within these stay. First dry_run, and show the person what would go. Keeping less a person must approve.',
  input: z.strictObject({
    service: z.string().max(300),
    keep_last: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    max_age: text('"36h", "7d", "2w", "1y"'),
    max_size: text('"50GB"'),
    recovery_window: text('Every moment of it stays restorable by binary logs; default max_age'),
    keep_everything: z.boolean().optional().describe('No rule: nothing expires'),
    dry_run: z.boolean().optional(),
  }),
  undo: { daemon: 'set_retention with the earlier rule; what a pass deleted meanwhile is gone' },
  output: { service_id: 'string', policy: 'object', in_words: 'string', expires: 'array', changed: 'boolean' },
  async exact({ service, dry_run = false, keep_everything = false, ...given }, { api, signal }) {
    const { RetentionPolicy } = await import('../../contract/retention.ts');
    const policy = parseRequest(
      RetentionPolicy,
      Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      'arguments of set_retention',
    );
    if ((Object.keys(policy).length === 0) !== keep_everything) {
      throw new SkybackupError('invalid_request', 'Give either a rule, or keep_everything: true.', {
        hint: 'For example max_age "14d", or daily 7 with weekly 4.',
      });
    }
    const { id } = await findService(api, service, signal);
    return { service_id: id, policy, dry_run };
  },
  async effect({ service_id, policy, dry_run }, { api, signal }) {
    if (dry_run) return undefined;
    const tried = await api.daemon?.setRetention(service_id, policy, { signal, dryRun: true });
    if (tried?.shortens?.length === 0) return undefined;
    const rule = Object.keys(policy).length === 0 ? { keep_everything: true } : policy;
    return {
      operation: 'set_retention',
      arguments: { service_id, ...policy },
      repeat: { service: service_id, ...rule },
    };
  },
  async run({ service_id, policy, dry_run }, { api, signal, planId }) {
    const daemon = daemonOf(api);
    const changed = dry_run
      ? await daemon.setRetention(service_id, policy, { signal, dryRun: true })
      : await daemon.setRetention(service_id, policy, { signal, ...(planId === undefined ? {} : { planId }) });
    const { pass, shortens = [], in_words } = changed;
    const words = pass === undefined ? undefined : passInWords(pass);
    return {
      text: [
        dry_run ? `Nothing was changed. ${service_id} would be: ${in_words}` : `${service_id}: ${in_words}`,
        ...(words?.text ?? []),
        ...shortens.map((less) => `Less is kept: ${less}`),
      ],
      data: { ...retentionData(changed), ...words?.data, changed: !dry_run },
      warnings: pass?.warnings ?? [],
      next: dry_run
        ? 'Call again without dry_run to set it.'
        : 'It takes effect after the next backup, or within a day. get_retention shows what would go.',
    };
  },
});
