import { durationMs, type RetentionPolicy, sizeBytes } from '../../contract/retention.ts';
import { bytesInWords } from '../plans/words.ts';
import type { Reach } from '../recovery/windows.ts';
import { neverDeleted } from './never-rules.ts';
import { type BackupFamily, Chains, familyOf, newestFirst, type RetainedBackup } from './retained-backup.ts';
import { wantedByCounts } from './wanted-by-counts.ts';

export interface RetentionInput {
  /** All of one service. */
  backups: readonly RetainedBackup[];
  policy: RetentionPolicy;
  now: number;
  /** Kinds that are still being taken. */
  families: readonly BackupFamily[];
  /** What the service can be taken back by, where its binary logs are archived. */
  reaches: readonly Reach[];
}

export interface Decision {
  readonly backup: RetainedBackup;
  keep: boolean;
  /** Why it goes, or why it stays. */
  reason: string;
}

export interface RetentionOutcome {
  /** In the order of the backups given. */
  decisions: Decision[];
  /** What the policy asks for and a rule forbids. */
  warnings: string[];
}

/** How long the record of a failed try is of use where the policy names no age. */
const failedRecordsMs = 30 * 24 * 3_600_000;

/** How far back every moment is promised to stay restorable where binary logs are archived; undefined: nothing is promised. */
export function windowMs({ recovery_window, max_age }: RetentionPolicy): number | undefined {
  const text = recovery_window ?? max_age;
  return text === undefined ? undefined : durationMs(text);
}

/**
 * Which backups stay and which go. Pure, so that a dry run and a run decide alike. The policy wants backups; what a rule
 * protects stays beside them, and so does everything that a backup which stays builds on.
 */
export function decide(input: RetentionInput): RetentionOutcome {
  const { backups, policy, now, families, reaches } = input;
  const chains = new Chains(backups);
  const never = neverDeleted(backups, { families, windowMs: windowMs(policy), reaches, now });
  const wanted = wish(input, chains);
  const decisions = backups.map((backup): Decision => {
    const reason = never.get(backup.id);
    return reason === undefined ? { backup, ...wanted(backup) } : { backup, keep: true, reason };
  });
  const byId = new Map(decisions.map((decision) => [decision.backup.id, decision]));
  // The record of a failed try holds no data that would need a parent.
  const whole = decisions.filter(({ keep, backup }) => keep && backup.state !== 'failed').map(({ backup }) => backup);
  for (const [ancestor, child] of chains.ancestorsOf(whole)) {
    const decision = byId.get(ancestor.id);
    if (decision !== undefined && !decision.keep) {
      Object.assign(decision, { keep: true, reason: `${child.id} builds on it` });
    }
  }
  dropUselessLogs(decisions, never);
  const warnings = policy.max_size === undefined ? [] : cutToSize(decisions, policy.max_size, chains, never);
  return { decisions, warnings };
}

/** What the policy alone would have for each backup, its total size aside. */
function wish(
  { backups, policy, now }: RetentionInput,
  chains: Chains,
): (backup: RetainedBackup) => { keep: boolean; reason: string } {
  const { max_age } = policy;
  const points = backups.filter((backup) => familyOf(backup) !== 'binarylog' && chains.isSound(backup));
  const chosen = wantedByCounts(points, policy);
  const window = windowMs(policy);
  const ageLimit = max_age === undefined ? Number.POSITIVE_INFINITY : durationMs(max_age);
  return (backup) => {
    const age = now - backup.to;
    if (backup.state === 'failed') {
      return age > Math.min(ageLimit, failedRecordsMs)
        ? { keep: false, reason: 'it failed long ago' }
        : { keep: true, reason: 'it failed not long ago' };
    }
    if (familyOf(backup) === 'binarylog') {
      return window !== undefined && age > window
        ? { keep: false, reason: 'it is older than the recovery window' }
        : { keep: true, reason: 'backups that stay can be rolled forward by it' };
    }
    if (age > ageLimit) return { keep: false, reason: `it is older than ${max_age}` };
    if (!chains.isSound(backup)) {
      return { keep: chosen === undefined, reason: 'a backup that it builds on is missing' };
    }
    if (chosen === undefined)
      return { keep: true, reason: max_age === undefined ? 'all are kept' : `it is within ${max_age}` };
    const reason = chosen.get(backup.id);
    return { keep: reason !== undefined, reason: reason ?? 'no count of the policy wants it' };
  };
}

/** Binary logs only roll forward: those from before the oldest backup that stays serve nothing. Returns the bytes they held. */
function dropUselessLogs(decisions: readonly Decision[], never: ReadonlyMap<string, string>): number {
  let freed = 0;
  const oldest = new Map<string | undefined, number>();
  for (const { backup, keep } of decisions) {
    if (!keep || backup.state === 'failed' || familyOf(backup) === 'binarylog') continue;
    const known = oldest.get(backup.incarnation) ?? Number.POSITIVE_INFINITY;
    oldest.set(backup.incarnation, Math.min(known, backup.to));
  }
  for (const decision of decisions) {
    const { backup, keep } = decision;
    if (!keep || never.has(backup.id) || familyOf(backup) !== 'binarylog') continue;
    const base = oldest.get(backup.incarnation);
    // With no backup at all to begin from, they may still serve one that lies elsewhere.
    if (base !== undefined && backup.to < base) {
      Object.assign(decision, { keep: false, reason: 'no backup that stays can be rolled forward by it' });
      freed += backup.bytes;
    }
  }
  return freed;
}

/** Lets the oldest go until the rest fits. A chain is as old as its newest member, and goes from its end. */
function cutToSize(
  decisions: readonly Decision[],
  maxSize: string,
  chains: Chains,
  never: ReadonlyMap<string, string>,
): string[] {
  const most = sizeBytes(maxSize);
  let left = decisions.reduce((sum, { keep, backup }) => sum + (keep ? backup.bytes : 0), 0);
  if (left <= most) return [];

  const whole = decisions.filter(({ keep, backup }) => keep && backup.state !== 'failed');
  const stays = whole.map(({ backup }) => backup).sort(newestFirst);
  const needed = new Set(never.keys());
  for (const [ancestor] of chains.ancestorsOf(stays.filter(({ id }) => never.has(id)))) needed.add(ancestor.id);
  // Of all that builds on a backup the newest comes to it first.
  const newestOf = new Map<string, number>();
  for (const [{ id, to }, child] of chains.ancestorsOf(stays)) newestOf.set(id, Math.max(to, child.to));
  const order = whole
    .filter(({ backup }) => !needed.has(backup.id))
    .sort(({ backup: a }, { backup: b }) => {
      const age = (newestOf.get(a.id) ?? a.to) - (newestOf.get(b.id) ?? b.to);
      return age || chains.depthOf(b) - chains.depthOf(a) || (a.id < b.id ? -1 : 1);
    });
  for (const decision of order) {
    if (left <= most) break;
    // A log may have become useless with the backup before it.
    if (!decision.keep) continue;
    Object.assign(decision, { keep: false, reason: `all that stays may take ${maxSize}, and it is among the oldest` });
    left -= decision.backup.bytes;
    // With the end of a chain its logs lose nothing: its beginning is still there.
    const isBase = familyOf(decision.backup) !== 'binarylog' && chains.depthOf(decision.backup) === 0;
    if (isBase) left -= dropUselessLogs(decisions, never);
  }
  return left <= most
    ? []
    : [
        `What stays takes ${bytesInWords(left)}, more than ${maxSize}: none of it may go, because of the rules that protect it.`,
      ];
}
