import type { Health, ServiceHealth } from '../contract/service-health.ts';
import { toRfc3339 } from '../contract/time.ts';
import { worstOf } from '../contract/verdict.ts';
import type { GoodBackup, ServiceFacts } from './facts.ts';
import { type Owed, owedBy, reasonsFor } from './reasons.ts';

const severity = { note: 0, ok: 0, warning: 1, critical: 2 } as const;

/** How well services are covered by their backups at `now`. It only judges: whoever calls has gathered the facts. */
export function assess(services: readonly ServiceFacts[], now: number): Health {
  const assessed = services.map((facts) => assessService(facts, now));
  return { at: rfc3339(now), verdict: worstOf(assessed.map(({ verdict }) => verdict)), services: assessed };
}

export function assessService(facts: ServiceFacts, now: number): ServiceHealth {
  const owed = owedBy(facts, now);
  const reasons = reasonsFor(facts, owed, now).sort((a, b) => severity[b.level] - severity[a.level]);
  const newest = facts.good.reduce<GoodBackup | undefined>(
    (best, each) => (best === undefined || each.at > best.at ? each : best),
    undefined,
  );
  const { proven, gap } = facts;
  return {
    service_id: facts.id,
    ...(facts.name === undefined ? {} : { service_name: facts.name }),
    verdict: worstOf(reasons.map(({ level }) => (level === 'note' ? 'ok' : level))),
    reasons,
    ...(newest === undefined
      ? {}
      : {
          recovery_point: {
            at: rfc3339(newest.at),
            age_seconds: seconds(now - newest.at),
            backup_id: newest.id,
            type: newest.type,
          },
        }),
    last_good: facts.good.map((backup) => ({
      type: backup.type,
      backup_id: backup.id,
      recovery_point: rfc3339(backup.at),
      age_seconds: seconds(now - backup.at),
      started_at: rfc3339(backup.started),
      ended_at: rfc3339(backup.ended),
      ...(backup.bytes === undefined ? {} : { storage_bytes: backup.bytes }),
    })),
    schedules: owed.map(scheduleHealth),
    failing: facts.failed.map(({ type, count, at, message }) => ({
      type,
      failed_runs: count,
      last_error: message,
      last_failed_at: rfc3339(at),
    })),
    running: facts.running.map(({ type, since }) => ({ type, since: rfc3339(since) })),
    ...(proven === undefined ? {} : { last_proven_restore: { ...proven, at: rfc3339(proven.at) } }),
    ...(gap === undefined ? {} : { binlog_gap: { at: rfc3339(gap.at), detail: gap.detail } }),
  };
}

function scheduleHealth({
  schedule: { id, type, cron, suspended },
  expected,
}: Owed): ServiceHealth['schedules'][number] {
  const due = expected?.due;
  return {
    id,
    type,
    schedule: cron,
    suspended,
    ...(due === undefined ? {} : { due_at: rfc3339(due) }),
    overdue_seconds: due === undefined ? 0 : seconds(expected?.overdueMs ?? 0),
  };
}

function rfc3339(ms: number): string {
  return toRfc3339(new Date(ms));
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
