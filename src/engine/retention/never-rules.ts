import { type BackupFamily, Chains, familyOf, newestFirst, type RetainedBackup } from './retained-backup.ts';

export interface Protection {
  /** Kinds that are still being taken: the newest of each is what the next one builds on or continues. */
  families: readonly BackupFamily[];
  /** How far back every moment must stay restorable, in milliseconds; undefined: none is promised. */
  windowMs: number | undefined;
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
  if (protection.windowMs !== undefined && protection.windowMs > 0) {
    const since = protection.now - protection.windowMs;
    for (const { base, logs } of windowNeeds(good, since)) {
      protect(base, 'the recovery window begins with it');
      for (const log of logs) protect(log, 'the recovery window needs its binary logs');
    }
  }
  return reasons;
}

/** For each unbroken range of binary logs that reaches into the window: the backups to begin from, and the logs since. */
function* windowNeeds(
  good: readonly RetainedBackup[],
  since: number,
): Generator<{ base: RetainedBackup; logs: RetainedBackup[] }> {
  const logs = good.filter((backup) => familyOf(backup) === 'binarylog');
  const ranges = Map.groupBy(logs, ({ incarnation, range }) => JSON.stringify([incarnation, range]));
  for (const range of ranges.values()) {
    const [newest] = range;
    if (newest === undefined || newest.to < since) continue;
    const bases = good.filter(
      (backup) =>
        familyOf(backup) !== 'binarylog' && backup.incarnation === newest.incarnation && backup.to <= newest.to,
    );
    const begin = range.reduce((first, { from }) => Math.min(first, from), newest.from);
    const earliest = Math.max(since, begin);
    // A backup of before the range may join it without a gap, or not: the first one within is kept as well.
    const before = bases.find(({ to }) => to <= earliest);
    const within = bases.findLast(({ to }) => to >= earliest);
    for (const base of before !== undefined && before.to >= begin ? [before] : [before, within]) {
      if (base !== undefined) yield { base, logs: range.filter((log) => log.to >= base.to) };
    }
  }
}
