import { z } from 'zod';
import { backupTypes, daemonBackupTypes } from '../../contract/backup-types.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { SchedulePatch } from '../../contract/schedules.ts';
import { defineTool } from '../define-tool.ts';
import { cronForm, scheduleInWords } from '../schedule/words.ts';
import { refuseImpossibleType } from '../type-rules.ts';

export const updateSchedule = defineTool({
  name: 'update_schedule',
  operation: 'write',
  idempotent: true,
  title: 'Change a backup schedule',
  description:
    'Changes the cron or type of a schedule, suspends or resumes it. Look at list_schedules first. Where less is protected afterwards, a person must approve. Not for one-time ones.',
  input: z.strictObject({
    id: z.number().int().min(1),
    cron: z.string().max(200).optional().describe(cronForm),
    type: z.enum(backupTypes).optional(),
    suspended: z.boolean().optional(),
  }),
  inputOf: { daemon: { type: z.enum(daemonBackupTypes).optional() } },
  undo: { daemon: 'update_schedule with the earlier values', cloud: 'update_schedule with the earlier values' },
  output: {
    id: 'number',
    service_id: 'string',
    in_words: 'string',
    suspended: 'boolean',
    next_runs: 'array',
  },
  async exact({ id, cron, type, suspended }) {
    const { checkCron } = await import('../../contract/cron.ts');
    const patch: SchedulePatch = {
      ...(cron === undefined ? {} : { schedule: checkCron(cron) }),
      ...(type === undefined ? {} : { backup_type: type }),
      ...(suspended === undefined ? {} : { suspended }),
    };
    if (Object.keys(patch).length > 0) return { id, patch };
    throw new SkybackupError('invalid_request', 'Nothing to change was given.', {
      hint: 'Give cron, type or suspended.',
    });
  },
  async effect({ id, patch }, { api, signal }) {
    const [{ weakened }, { once }] = await Promise.all([
      import('../../plans/schedule-effect.ts'),
      import('../../contract/cron.ts'),
    ]);
    const before = await api.getSchedule(id, { signal });
    if (before.schedule === once) {
      throw new SkybackupError('unsupported', `Schedule ${id} is a one-time backup, which cannot be changed.`, {
        hint: 'create_schedule makes a regular one.',
      });
    }
    if (patch.backup_type !== undefined && api.provider.kind === 'cloud') {
      const service = await api.getService(before.service_id, { signal });
      await refuseImpossibleType(api, service, patch.backup_type, signal);
    }
    if (weakened(before, patch).length === 0) return undefined;
    const { schedule: cron, backup_type: type, suspended } = patch;
    return { operation: 'update_schedule', arguments: { id, ...patch }, repeat: { id, cron, type, suspended } };
  },
  async run({ id, patch }, { api, signal, planId }) {
    const changed = await api.updateSchedule(id, patch, { signal, ...(planId === undefined ? {} : { planId }) });
    const { words, next } = await scheduleInWords(changed.schedule, 3, changed.suspended);
    const state = changed.suspended ? 'It is suspended: no backup is taken by it.' : `Next runs: ${next.join(', ')}.`;
    return {
      text: [`Schedule ${id} of ${changed.service_id} is now: ${changed.type}, ${words}. ${state}`],
      data: {
        id,
        service_id: changed.service_id,
        type: changed.type,
        in_words: words,
        suspended: changed.suspended ?? false,
        next_runs: next,
      },
      warnings: changed.warnings ?? [],
    };
  },
});
