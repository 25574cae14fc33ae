import type { RetentionPolicy } from '../../contract/retention.ts';
import { familyOf, newestFirst, type RetainedBackup } from './retained-backup.ts';

const day = 24 * 3_600_000;

/** Names the span of each count that a moment lies in, all in UTC. */
const spans = {
  daily: (at) => at.toISOString().slice(0, 10),
  // By its Monday: the epoch was a Thursday.
  weekly: (at) => {
    const days = Math.floor(at.getTime() / day);
    return `week of ${new Date((days - ((days + 3) % 7)) * day).toISOString().slice(0, 10)}`;
  },
  monthly: (at) => at.toISOString().slice(0, 7),
  yearly: (at) => at.toISOString().slice(0, 4),
} as const satisfies Record<string, (at: Date) => string>;

/**
 * The backups that the counts of a policy choose, by id, with the reason; undefined when it has no counts and so wants all.
 * Chains and dumps are counted apart: one does not stand in for the other.
 */
export function wantedByCounts(
  points: readonly RetainedBackup[],
  policy: RetentionPolicy,
): Map<string, string> | undefined {
  const { keep_last } = policy;
  const counts = Object.entries(spans).flatMap(([name, spanOf]) => {
    const most = policy[name as keyof typeof spans];
    return most === undefined ? [] : [{ name, most, spanOf }];
  });
  if (keep_last === undefined && counts.length === 0) return undefined;
  const wanted = new Map<string, string>();
  for (const family of Map.groupBy(points, familyOf).values()) {
    const newest = family.toSorted(newestFirst);
    for (const { id } of newest.slice(0, keep_last ?? 0)) wanted.set(id, `it is one of the last ${keep_last}`);
    for (const { name, most, spanOf } of counts) {
      const seen = new Set<string>();
      for (const { id, to } of newest) {
        const span = spanOf(new Date(to));
        if (seen.has(span)) continue;
        seen.add(span);
        if (seen.size > most) break;
        if (!wanted.has(id)) wanted.set(id, `it is the newest of ${span} (${name} ${most})`);
      }
    }
  }
  return wanted;
}
