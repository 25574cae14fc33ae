import { SkybackupError } from '../../contract/errors.ts';
import { enough } from '../binlog/scan-log.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { LogOfBackup, RollForward } from '../restore/source.ts';
import { cutLogs } from './cut.ts';
import { findGoal, type Goal, type ScanLog } from './goal.ts';
import type { KnownLog } from './history.ts';
import { scanArchived } from './scan-archived.ts';
import type { Reach } from './windows.ts';
import type { Wish } from './wish.ts';

type Context = Pick<EngineContext, 'repository'>;

/**
 * What to roll a backup forward with to fulfil a wish, read from the archived logs themselves. `'before'` when the wish ends
 * before the backup's own position, so that an older backup is needed; undefined when nothing comes after the backup.
 */
export async function resolveRollForward(
  { repository }: Context,
  backup: Manifest,
  reach: Reach,
  wish: Wish,
  signal: AbortSignal,
): Promise<RollForward | 'before' | undefined> {
  const stored = storedLogs({ repository }, backup.service_id);
  const goal = await findGoal(reach.base.gtid, reach.logs, wish, scanOf({ repository }, stored, signal));
  if (goal === undefined) return 'before';
  return rollForwardTo({ repository }, backup, goal, stored, signal);
}

/** Reads the archived logs themselves. */
export function scanOf(
  { repository }: Context,
  stored: (log: KnownLog) => Promise<LogOfBackup>,
  signal: AbortSignal,
): ScanLog {
  return async (log, each) => {
    const transaction = (next: Parameters<typeof each>[0]): void => {
      if (!each(next)) throw enough;
    };
    await scanArchived(repository, await stored(log), { transaction }, signal);
  };
}

async function rollForwardTo(
  { repository }: Context,
  backup: Manifest,
  goal: Goal,
  stored: (log: KnownLog) => Promise<LogOfBackup>,
  signal: AbortSignal,
): Promise<RollForward | undefined> {
  const [first, ...others] = await Promise.all(goal.logs.map(stored));
  if (first === undefined) return undefined;
  const logs: RollForward['logs'] = [first, ...others];
  const { until } = goal;
  return { logs, from: backup.binlog?.gtid ?? '', until, cut: await cutLogs(repository, backup, logs, until, signal) };
}

/** Reads each backup of logs once. Throws `backup_damaged` when one is no longer there. */
export function storedLogs({ repository }: Context, serviceId: string): (log: KnownLog) => Promise<LogOfBackup> {
  const manifests = new Map<string, Promise<Manifest | undefined>>();
  return async ({ backupId, name }) => {
    const known = manifests.get(backupId) ?? repository.manifest(serviceId, backupId);
    manifests.set(backupId, known);
    const manifest = await known;
    const log = manifest?.logs?.find((each) => each.name === name);
    if (manifest !== undefined && log !== undefined) return { manifest, log };
    throw new SkybackupError('backup_damaged', `The binary log ${name} of backup ${backupId} is no longer there.`, {
      hint: 'Choose a moment that the other logs reach.',
    });
  };
}
