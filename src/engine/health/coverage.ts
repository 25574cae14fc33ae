import type { Health } from '../../contract/service-health.ts';
import { assess } from '../../health/assess.ts';
import { serves } from '../../health/expected-run.ts';
import type { Disproof, FailedRuns, LostStorage, ProvenRestore, ServiceFacts } from '../../health/facts.ts';
import type { EngineContext } from '../engine-context.ts';
import { findService } from '../services/find-service.ts';
import { isUnsound } from '../verify/unsound.ts';

/** How well the services are covered, or the one that is named (throws `not_found`). Asks the state alone, no server. */
export function coverage(context: Pick<EngineContext, 'state' | 'storages' | 'clock'>, serviceId?: string): Health {
  const { state, storages, clock } = context;
  const only = serviceId === undefined ? undefined : findService(state, serviceId);
  const facts = serviceFacts(state, only === undefined ? state.services.list() : [only], only?.id);
  const lost = storages.reach.lost();
  if (lost.length === 0) return assess(facts, clock.now());
  const wanted = wantedStorages(context, only?.id);
  return assess(
    facts.map((each) => ({ ...each, outOfReach: lostOf(context, each, lost, wanted.get(each.id)) })),
    clock.now(),
  );
}

/** Where the schedules that take backups of a service send them. */
function wantedStorages(
  { state, storages }: Pick<EngineContext, 'state' | 'storages'>,
  only: string | undefined,
): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const { service_id, type, storage } of state.schedules.repeated()) {
    if (type === 'drill' || (only !== undefined && service_id !== only)) continue;
    const names = wanted.get(service_id) ?? new Set();
    wanted.set(service_id, names.add(storage ?? storages.defaultFor(service_id)));
  }
  return wanted;
}

function lostOf(
  { state, storages }: Pick<EngineContext, 'state' | 'storages'>,
  { id }: ServiceFacts,
  lost: readonly string[],
  wanted: ReadonlySet<string> | undefined,
): LostStorage[] {
  return lost.flatMap((storage) => {
    const holdsBackups = state.backups.isUsedBy(storage, id);
    if (!holdsBackups && !wanted?.has(storage)) return [];
    return [{ storage, holdsBackups, why: storages.reach.troubleOf(storage) ?? '' }];
  });
}

function serviceFacts(
  state: EngineContext['state'],
  services: readonly { id: string; name: string; copied_from: string | undefined }[],
  only: string | undefined,
): ServiceFacts[] {
  const good = byService(state.coverage.good(only));
  const failed = byService(state.coverage.failed(only));
  const running = byService(state.coverage.running(only));
  const schedules = byService(state.coverage.repeated(only));
  const gaps = new Map(state.archivedLogs.newestGaps(only).map((row) => [row.service_id, row]));
  const proven = provenRestores(state, only);
  const drilled = new Map(state.coverage.drilled(only).map((row) => [row.service_id, row]));
  const disproved = new Map(state.coverage.disproved(only).map((row) => [row.service_id, row]));

  return services.map(({ id, name, copied_from: copiedFrom }) => {
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
    const drill = drilled.get(id);
    const unproven = disproved.get(id);
    const gap = gaps.get(id);
    return {
      id,
      name,
      copiedFrom,
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
      proven: proven.get(id),
      drill: drill && { id: drill.backup_id, type: 'drill', at: drill.ended, bytes: undefined, ...drill },
      disproof: unproven && disproofOf(unproven),
    };
  });
}

/** Of each service the newer of its last restore and its last verification. */
function provenRestores(state: EngineContext['state'], only: string | undefined): Map<string, ProvenRestore> {
  const proofs = new Map<string, ProvenRestore>();
  for (const { source_service_id, id, backup_id, service_id, at } of state.coverage.proven(only)) {
    proofs.set(source_service_id, { restore_id: id, backup_id, onto: service_id, at });
  }
  for (const { service_id, id, backup_id, recovery_ms, at } of state.coverage.verified(only)) {
    if ((proofs.get(service_id)?.at ?? 0) > at) continue;
    const recovery_seconds = recovery_ms === undefined ? undefined : recovery_ms / 1000;
    proofs.set(service_id, { verification_id: id, backup_id, recovery_seconds, at });
  }
  return proofs;
}

function disproofOf({
  backup_id,
  at,
  message,
  code,
  hint = '',
}: ReturnType<EngineContext['state']['coverage']['disproved']>[number]): Disproof {
  return { backup_id, at, message, hint, unsound: isUnsound(code) };
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
