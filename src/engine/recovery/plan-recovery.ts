import { SkybackupError } from '../../contract/errors.ts';
import { toPointInTime } from '../../contract/time.ts';
import type { Gtid } from '../mariadb/gtid.ts';
import type { History, KnownLog } from './history.ts';
import { holds, readPosition } from './position.ts';
import { type Reach, type Window, windowsOf } from './windows.ts';
import { describeWish, type Wish } from './wish.ts';

/** From which backup a wish is fulfilled, decided by the index alone. */
export interface RecoveryPlan {
  reach: Reach;
  /** What is archived does not reach the wish yet: the logs written since have to be archived first. */
  archiveFirst: boolean;
}

/**
 * The backups that a wish can be built on, the best first: the newest before it from which logs reach it without a gap. Where
 * the server may have more, that is left to be found out. Throws `unsupported` with the nearest moment that works.
 */
export function planRecovery(
  reaches: readonly Reach[],
  wish: Wish,
  { history, now, subject }: { history: History; now: number; subject: string },
): [RecoveryPlan, ...RecoveryPlan[]] {
  const newestFirst = reaches.toSorted((a, b) => b.base.at - a.base.at || b.base.endedAt - a.base.endedAt);
  const plans = newestFirst.flatMap((reach) => {
    const archiveFirst = wish.kind === 'time' && wish.at > now ? undefined : judge(reach, wish, history);
    return archiveFirst === undefined ? [] : [{ reach, archiveFirst }];
  });
  // What is archived is certain; what the server still has is not.
  const [best, ...others] = [
    ...plans.filter((plan) => !plan.archiveFirst),
    ...plans.filter((plan) => plan.archiveFirst),
  ];
  if (best === undefined) throw outOfReach(wish, windowsOf(reaches), { history, now, subject });
  return [best, ...others];
}

/** Undefined when the backup cannot lead there; else whether logs have to be archived first. */
function judge({ base, logs, until, open }: Reach, wish: Wish, history: History): boolean | undefined {
  if (wish.kind === 'time') {
    // The backup's own moment is told in whole seconds.
    if (wish.at < base.at) return undefined;
    if (wish.at <= until && (logs.length > 0 || !open)) return false;
    return open ? true : undefined;
  }
  const wanted = wish.kind === 'gtid' ? wish.gtids : [wish.gtid];
  const position = readPosition(base.gtid);
  if (wish.kind === 'before' && holds(position, wish.gtid)) return undefined;
  if (wanted.some(({ domain, sequence }) => (position.get(domain)?.sequence ?? 0n) > sequence)) return undefined;
  if (wanted.some((gtid) => holds(position, gtid) && history.isInherited(gtid, base.incarnation))) return undefined;
  const missing = wanted.filter((gtid) => !holds(position, gtid) && !isIn(logs, gtid));
  if (missing.length === 0) return false;
  return open ? true : undefined;
}

function isIn(logs: readonly KnownLog[], gtid: Gtid): boolean {
  return holds(readPosition(logs.at(-1)?.gtidsAfter ?? ''), gtid);
}

function outOfReach(
  wish: Wish,
  windows: readonly Window[],
  { history, now, subject }: { history: History; now: number; subject: string },
): SkybackupError {
  if (windows.length === 0) {
    return new SkybackupError(
      'unsupported',
      `${subject} cannot be taken to a point in time: no backup is fit for it.`,
      {
        hint: 'Take a full backup and archive binary logs (backup_type binarylog) from now on.',
      },
    );
  }
  const spans = windows.map(({ from, archivedTo, toNow }) => `${say(from)} to ${toNow ? 'now' : say(archivedTo)}`);
  const possible = `What works: ${spans.slice(-3).join('; ')} (UTC).`;
  if (wish.kind !== 'time') {
    return new SkybackupError(
      'unsupported',
      `${subject}: ${describeWish(wish)} is in no archived binary log that follows on a backup.`,
      { hint: possible },
    );
  }
  const nearest = nearestTo(wish.at, windows, now);
  // The one between the wish and what works.
  const gap = history.logs.find((log) => log.gap !== undefined && log.openedAt >= Math.min(nearest, wish.at))?.gap;
  return new SkybackupError(
    'unsupported',
    `${subject} cannot be taken to ${describeWish(wish)}. The nearest moment that works is ${say(nearest)} UTC.${gap === undefined ? '' : ` ${gap}`}`,
    { hint: possible, details: { nearest: say(nearest), ...(gap === undefined ? {} : { gap }) } },
  );
}

function nearestTo(at: number, windows: readonly Window[], now: number): number {
  const edges = windows.flatMap(({ from, archivedTo, toNow }) => [from, toNow ? now : archivedTo]);
  return edges.reduce((best, edge) => (Math.abs(edge - at) < Math.abs(best - at) ? edge : best));
}

function say(at: number): string {
  return toPointInTime(new Date(at));
}
