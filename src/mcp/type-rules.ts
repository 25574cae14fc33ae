import type { BackupApi } from '../client/backup-api.ts';
import { SkybackupError } from '../contract/errors.ts';
import type { ScheduleType } from '../contract/schedules.ts';
import type { Service } from '../contract/services.ts';
import { classifyStatus } from '../contract/status.ts';

/** The documented rules of the cloud that would otherwise come back as a bare 400, or as a backup that fails hours later. */
export async function refuseImpossibleType(
  api: BackupApi,
  service: Service,
  type: ScheduleType,
  signal: AbortSignal,
): Promise<void> {
  if (api.provider.kind !== 'cloud') return;
  if (/azure/i.test(service.provider ?? '') && type !== 'snapshot') {
    throw new SkybackupError('unsupported', `${service.id} runs on Azure, where SkySQL takes snapshots only.`, {
      hint: 'Call again with type "snapshot". A snapshot dies with its service.',
    });
  }
  if (type !== 'incremental') return;
  // By its type, over all pages: a week of hourly logs may lie before the last full.
  const query = { service_id: service.id, type: 'full', order: 'desc', page: 1, page_size: 1000 } as const;
  const { items } = await api.listBackups(query, { signal });
  if (items.some((backup) => classifyStatus(backup.status) === 'done')) return;
  throw new SkybackupError('unsupported', `${service.id} has no full backup that an incremental could build on.`, {
    hint: 'Take a full one first: create_backup with type "full", then wait_for it.',
  });
}

/** What is special about a type in the cloud, for whoever has just asked for it. */
export function typeWarnings({ provider }: BackupApi, type: ScheduleType): string[] {
  if (provider.kind !== 'cloud') return [];
  if (type === 'snapshot') return ['A snapshot dies with its service, and is kept 7 days at most.'];
  return type === 'binarylog' ? ['No call of the cloud restores binary logs by themselves.'] : [];
}
