import { z } from 'zod';
import { backupTypes, daemonBackupTypes } from '../../contract/backup-types.ts';
import { defineTool } from '../define-tool.ts';
import { findService, serviceLabel } from '../find/service.ts';
import { newestStart, startedBackup } from '../follow/started-backup.ts';
import { storageArgument, storageEffect } from '../storage-effect.ts';
import { refuseImpossibleType, typeWarnings } from '../type-rules.ts';
import { quoteText } from '../untrusted-text.ts';

/** Where there is one, cancel_job takes it. */
function jobInWords({ job_id }: { job_id?: number | undefined }): string {
  return job_id === undefined ? '' : `, job ${job_id}`;
}

export const createBackup = defineTool({
  name: 'create_backup',
  operation: 'write',
  title: 'Take a backup now',
  description:
    'Takes one backup now; follow it with wait_for. Changes no data: offer it before anything risky. full is physical, incremental what changed since (needs a full), dump SQL text, binarylog for points in time. Regularly: create_schedule.',
  descriptionOf: { cloud: 'Azure services have snapshots only.' },
  input: z.strictObject({
    service: z.string().max(300),
    type: z.enum(backupTypes).default('full'),
    storage: storageArgument,
  }),
  inputOf: { daemon: { type: z.enum(daemonBackupTypes).default('full') } },
  takesNothing: true,
  output: {
    id: 'number',
    job_id: 'number',
    service_id: 'string',
    status: 'string',
    wait_for: 'object',
  },
  async exact({ service, type, storage }, { api, signal }) {
    const found = await findService(api, service, signal);
    await refuseImpossibleType(api, found, type, signal);
    const request = { service_id: found.id, backup_type: type, schedule: 'once', ...(storage && { storage }) };
    return { ...request, label: serviceLabel(found) };
  },
  effect: (exact, { api, signal }) =>
    storageEffect(exact, api, signal, {
      service: exact.service_id,
      type: exact.backup_type,
      storage: exact.storage,
    }),
  async run({ label, ...request }, { api, signal, planId }) {
    const newest = await newestStart(api, request, signal);
    const schedule = await api.createSchedule(request, { signal, ...(planId === undefined ? {} : { planId }) });
    const wait = startedBackup(schedule, newest);
    return {
      text: [
        `A backup of ${label} has started (${request.backup_type}): schedule ${schedule.id}${jobInWords(schedule)}, ${quoteText(schedule.status)}.`,
      ],
      data: {
        id: schedule.id,
        job_id: schedule.job_id,
        service_id: request.service_id,
        status: schedule.status,
        wait_for: wait,
      },
      warnings: [...(schedule.warnings ?? []), ...typeWarnings(api, request.backup_type)],
      next: `Call wait_for with ${JSON.stringify(wait)}.`,
    };
  },
});
