import { z } from 'zod';
import { backupTypes, daemonScheduleTypes, scheduleTypes } from '../../contract/backup-types.ts';
import { defineTool } from '../define-tool.ts';
import { findService, serviceLabel } from '../find/service.ts';
import { cronForm, scheduleInWords } from '../schedule/words.ts';
import { storageArgument, storageEffect } from '../storage-effect.ts';
import { refuseImpossibleType, typeWarnings } from '../type-rules.ts';

export const createSchedule = defineTool({
  name: 'create_schedule',
  operation: 'write',
  title: 'Schedule regular backups',
  description:
    'Backs a service up regularly. First ask the person when and in which time zone; preview_schedule gives the cron. Show them the next runs of the answer. One backup now: create_backup.',
  descriptionOf: {
    daemon: 'A drill takes none: it proves the newest.',
    cloud: 'Needs the Administrator role; incremental needs a full; Azure services have snapshots only.',
  },
  input: z.strictObject({
    service: z.string().max(300),
    cron: z.string().max(200).describe(cronForm),
    type: z.enum(scheduleTypes).default('full'),
    storage: storageArgument,
  }),
  inputOf: {
    cloud: { type: z.enum(backupTypes).default('full') },
    daemon: { type: z.enum(daemonScheduleTypes).default('full') },
  },
  takesNothing: true,
  output: {
    id: 'number',
    service_id: 'string',
    in_words: 'string',
    next_runs: 'array',
  },
  async exact({ service, cron, type, storage }, { api, signal }) {
    const { checkCron } = await import('../../contract/cron.ts');
    const schedule = checkCron(cron);
    const found = await findService(api, service, signal);
    await refuseImpossibleType(api, found, type, signal);
    const request = { service_id: found.id, schedule, backup_type: type, ...(storage && { storage }) };
    return { ...request, label: serviceLabel(found) };
  },
  effect: (exact, { api, signal }) =>
    storageEffect(exact, api, signal, {
      service: exact.service_id,
      cron: exact.schedule,
      type: exact.backup_type,
      storage: exact.storage,
    }),
  async run({ label, ...request }, { api, signal, planId }) {
    const made = await api.createSchedule(request, { signal, ...(planId === undefined ? {} : { planId }) });
    const { words, next } = await scheduleInWords(made.schedule, 3, made.suspended);
    return {
      text: [
        request.backup_type === 'drill'
          ? `Schedule ${made.id} proves the newest backup of ${label}: ${words}.`
          : `Schedule ${made.id} backs up ${label} (${request.backup_type}): ${words}.`,
        next.length > 0 ? `Next runs: ${next.join(', ')}.` : undefined,
      ],
      data: { id: made.id, service_id: made.service_id, schedule: made.schedule, in_words: words, next_runs: next },
      warnings: [...(made.warnings ?? []), ...typeWarnings(api, request.backup_type)],
      next: 'Show the person the next runs, so that a wrong hour is seen now.',
    };
  },
});
