import type { BackupApi } from '../../client/backup-api.ts';
import type { Backup } from '../../contract/backups.ts';
import { restoredFrom, storageBytes } from '../../contract/either-revision.ts';
import { isBackupId } from '../../contract/ids.ts';
import type { PlanFacts } from '../../contract/plans.ts';
import type { Restore } from '../../contract/restores.ts';
import type { Service } from '../../contract/services.ts';
import { classifyStatus } from '../../contract/status.ts';
import { digestOf } from '../../plans/arguments-digest.ts';
import { takenAt } from '../find/backup.ts';
import { serviceLabel } from '../find/service.ts';
import { timeInWords } from '../sizes-and-times.ts';
import { quoteText } from '../untrusted-text.ts';
import type { GatheredFacts } from './cloud-facts.ts';
import { safetyBackupFirst, safetyBackupOf, wayBack } from './safety-backup.ts';

/** A restore in the cloud: its target, what comes instead, what is lost, and that the cloud cannot undo it. */
export async function cloudRestoreFacts(
  api: BackupApi,
  args: Record<string, unknown>,
  signal: AbortSignal,
): Promise<GatheredFacts> {
  const id = String(args.id);
  const target = await api.getService(String(args.service_id), { signal });
  const backup = isBackupId(id) ? await api.getBackup(id, { signal }) : undefined;
  const query = { service_id: target.id, order: 'desc', page_size: 100 } as const;
  const listed = (await api.listBackups(query, { signal })).items;
  // Another service's backup is no way back, even from a cloud that lists it here.
  const own = listed.filter((each) => each.service_id === target.id).sort((a, b) => takenAt(b) - takenAt(a));
  const restores = (await api.listRestores({ service_id: target.id, order: 'desc', page_size: 100 }, { signal })).items;
  const running = restores
    .filter(({ status }) => classifyStatus(status) === 'in_progress')
    .map((restore) => restore.id);
  const moment = args.point_in_time === undefined ? backup?.point_in_time : String(args.point_in_time);
  const now = await api.clock();
  const declined = args.safety_backup === false;
  const safety = safetyBackupOf(own, now);
  return {
    facts: {
      ...factsOf(target, id, backup, own, running, moment, restoredBefore(restores, id)),
      undo: wayBack(target.id, safety, declined, id),
    },
    refusal: declined || safety !== undefined ? undefined : safetyBackupFirst(target, own, now),
    targetDigest: digestOf({
      id: target.id,
      status: target.status,
      active: target.is_active,
      version: target.version,
      topology: target.topology,
      created: target.created_on,
      last_backup: own[0] && { id: own[0].id, status: own[0].status },
      backup: backup && { id: backup.id, status: backup.status },
      running,
    }),
  };
}

function factsOf(
  target: Service,
  id: string,
  backup: Backup | undefined,
  own: Backup[],
  running: number[],
  moment: string | undefined,
  before: Restore | undefined,
): Omit<PlanFacts, 'undo'> {
  const label = serviceLabel(target);
  const source = backup?.service_id ?? id;
  const foreign = source !== target.id;
  const at = timeInWords(moment) ?? 'an unknown moment';
  const size = backup && storageBytes(backup);
  const newest = own.find(({ status }) => classifyStatus(status) === 'done');
  return {
    title: `Replace ALL DATA of service ${label} by ${backup ? `backup ${id}` : `the state of ${source} at ${at}`}`,
    service_id: target.id,
    confirm_id: target.id,
    replaced: `all data of ${label}, ${quoteText(target.version ?? 'unknown version')}, now ${target.status}`,
    replaced_by: backup ? `a backup of ${source} (${quoteText(backup.type)})` : `a point in time of ${source}`,
    ...(moment === undefined ? {} : { recovery_point: moment }),
    ...(size === undefined ? {} : { size_bytes: size }),
    expected_downtime:
      backup?.type === 'dump'
        ? 'none is documented for logical dumps'
        : 'stopped during the restore, and possibly until it is started again',
    lost: [
      foreign
        ? `Everything in ${target.id}: the new data come from ${source}.`
        : `Everything written to ${target.id} after ${at}.`,
      newest
        ? `Its newest own backup is of ${timeInWords(newest.point_in_time) ?? 'an unknown moment'}: what came later is in no backup.`
        : `${target.id} has no finished backup of its own: what it holds now cannot be brought back.`,
    ],
    warnings: [
      ...(foreign ? [`The users and passwords of ${target.id} become those of ${source}.`] : []),
      ...(target.topology && !/single|standalone/i.test(target.topology)
        ? ['Replicas of the service are rebuilt or break.']
        : []),
      ...(before ? [`${beforeInWords(before)} Is it meant to happen again?`] : []),
      ...(running.length > 0 ? [`Restore ${running.join(', ')} of this service is running.`] : []),
    ],
  };
}

/** The newest restore onto the target from the same source that has succeeded: perhaps the person only missed its end. */
function restoredBefore(restores: Restore[], source: string): Restore | undefined {
  return restores.find((restore) => restoredFrom(restore) === source && classifyStatus(restore.status) === 'done');
}

function beforeInWords({ id, status, created_at }: Restore): string {
  const at = timeInWords(created_at);
  return `Restore ${id} brought the same already: ${quoteText(status)}${at === undefined ? '' : `, of ${at}`}.`;
}
