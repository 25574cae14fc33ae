import type { Health } from '../../contract/service-health.ts';
import { assess } from '../../health/assess.ts';
import { serves } from '../../health/expected-run.ts';
import type { FailedRuns, ServiceFacts } from '../../health/facts.ts';
import type { EngineContext } from '../engine-context.ts';
import { findService } from '../services/find-service.ts';

/** How well the services are covered, or the one that is named (throws `not_found`). Asks the state alone, no server. */
export function coverage(context: Pick<EngineContext, 'state' | 'clock'>, serviceId?: string): Health {
  const { state, clock } = context;
  const only = serviceId === undefined ? undefined : findService(state, serviceId);
  return assess(serviceFacts(state, only === undefined ? state.services.list() : [only], only?.id), clock.now());
}

function serviceFacts(
  state: EngineContext['state'],
  services: readonly { id: string; name: string }[],
  only: string | undefined,
): ServiceFacts[] {
  const good = byService(state.coverage.good(only));
  const failed = byService(state.coverage.failed(only));
  const running = byService(state.coverage.running(only));
  const schedules = byService(state.coverage.repeated(only));
  const gaps = new Map(state.archivedLogs.newestGaps(only).map((row) => [row.service_id, row]));
  const proven = new Map(state.coverage.proven(only).map((row) => [row.source_service_id, row]));

  return services.map(({ id, name }) => {
    const own = {
      good: (good.get(id) ?? []).map(({ storage_bytes, service_id: _, ...backup }) => ({
        ...backup,
        bytes: storage_bytes,
      })),
      schedules: (schedules.get(id) ?? []).map((row) => ({
        id: row.id,
        type: row.type,
        cron: row.schedule,
        suspended: row.suspended !== 0,
        owedFrom: row.owed_from,
        quiet: row.next_run_at === undefined ? undefined : { from: row.last_run_at ?? 0, to: row.next_run_at },
        trouble: row.status === 'Failed' ? row.message : undefined,
      })),
    };
    const restore = proven.get(id);
    const gap = gaps.get(id);
    return {
      id,
      name,
      ...own,
      failed: (failed.get(id) ?? []).flatMap(
        ({ type, start_time, message = 'no reason was recorded' }): FailedRuns[] => {
          const after = lastSuccess(own, type);
          if (start_time <= after) return [];
          return [{ type, count: state.coverage.failedSince(id, type, after), at: start_time, message }];
        },
      ),
      running: (running.get(id) ?? []).map(({ type, start_time }) => ({ type, since: start_time })),
      gap: gap && { at: gap.opened_at.getTime(), detail: gap.gap_detail ?? '' },
      proven: restore && {
        restore_id: restore.id,
        backup_id: restore.backup_id,
        onto: restore.service_id,
        at: restore.at,
      },
    };
  });
}

/** A run may succeed without a backup: binary logs to which nothing was written. Its schedule knows. */
function lastSuccess({ good, schedules }: Pick<ServiceFacts, 'good' | 'schedules'>, type: string): number {
  const backups = good.filter((backup) => serves(backup.type, type)).map(({ started }) => started);
  const runs = schedules.filter((schedule) => schedule.type === type).map(({ owedFrom }) => owedFrom);
  return Math.max(0, ...backups, ...runs);
}

function byService<T extends { service_id: string }>(rows: readonly T[]): Map<string, T[]> {
  return Map.groupBy(rows, ({ service_id }) => service_id);
}
