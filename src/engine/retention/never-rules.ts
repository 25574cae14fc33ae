import type { Reach } from '../recovery/windows.ts';
import { type BackupFamily, Chains, familyOf, newestFirst, type RetainedBackup } from './retained-backup.ts';
import { windowNeeds } from './window-needs.ts';

export interface Protection {
  /** Kinds that are still being taken: the newest of each is what the next one builds on or continues. */
  families: readonly BackupFamily[];
  /** How far back every moment that can be restored must stay so, in milliseconds; undefined: none is promised. */
  windowMs: number | undefined;
  /** What the service can be taken back by, where its binary logs are archived. */
  reaches: readonly Reach[];
  now: number;
}

/**
 * What no policy and no hand may delete, by id, with the reason: what runs or is in use, the last good backup, what a
 * promised recovery window needs. What these build on is left to the caller, who knows which others are kept.
 */
export function neverDeleted(backups: readonly RetainedBackup[], protection: Protection): Map<string, string> {
  const reasons = new Map<string, string>();
  const protect = (backup: RetainedBackup | undefined, reason: string): void => {
    if (backup !== undefined && !reasons.has(backup.id)) reasons.set(backup.id, reason);
  };
  for (const backup of backups) {
    if (backup.state === 'running') protect(backup, 'it is being taken');
    else if (backup.pinned !== undefined) protect(backup, backup.pinned);
  }
  const chains = new Chains(backups);
  const good = backups.filter((backup) => chains.isSound(backup)).sort(newestFirst);
  const points = good.filter((backup) => familyOf(backup) !== 'binarylog');
  protect(points[0], 'it is the last good backup of the service');
  for (const family of protection.families) {
    const newest = good.find((backup) => familyOf(backup) === family);
    protect(
      newest,
      family === 'binarylog' ? 'the next binary logs continue from it' : `it is the last good ${family} backup`,
    );
  }
  const { windowMs = 0, reaches, now } = protection;
  if (windowMs > 0) {
    const byId = new Map(backups.map((backup) => [backup.id, backup]));
    for (const { base, logs } of windowNeeds(reaches, now - windowMs)) {
      protect(byId.get(base.id), 'the recovery window begins with it');
      for (const { backupId } of logs) protect(byId.get(backupId), 'the recovery window needs its binary logs');
    }
  }
  return reasons;
}
