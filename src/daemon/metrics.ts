import { Counter, Gauge, Registry } from 'prom-client';
import type { ServiceHealth } from '../contract/service-health.ts';
import { verdicts } from '../contract/verdict.ts';
import type { Engine } from '../engine/engine.ts';

export interface DaemonMetrics {
  readonly contentType: string;
  /** `route` is the route's pattern: ids in paths must not make series of their own. */
  answered(method: string, route: string, status: number): void;
  /** All metrics, of this moment's state. */
  scrape(): Promise<string>;
}

/**
 * What Prometheus is told. Made from the state at each scrape, so that nothing has to be kept up to date in between; labels are
 * registered services and storages, types, kinds and routes alone, so that the series stay few.
 */
export function daemonMetrics(engine: Pick<Engine, 'health' | 'counts'>, version: string): DaemonMetrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Gauge({ name: `skybackup_${name}`, help, labelNames, registers });
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name: `skybackup_${name}`, help, labelNames, registers });

  gauge('build_info', 'The version of the daemon.', ['version']).set({ version }, 1);
  const requests = counter('http_requests_total', 'Requests answered.', ['method', 'route', 'status']);
  const services = serviceGauges(gauge);
  const failed = counter('jobs_failed_total', 'Jobs that ended as failed.', ['service', 'kind']);
  const running = gauge('jobs_running', 'Jobs that run or wait for their turn.', ['kind']);
  const kept = gauge('kept_data_bytes', 'Data of before restores, set aside for an undo.', ['service']);
  const free = gauge('storage_free_bytes', 'Free space of a storage that is a folder.', ['storage']);
  const up = gauge('storage_up', 'Whether a storage answered when it was last asked: 1, or 0.', ['storage']);

  return {
    contentType: registry.contentType,
    answered: (method, route, status) => requests.inc({ method, route, status: String(status) }),
    async scrape() {
      const { keptBytes, freeBytes, failedJobs, runningJobs, storages } = await engine.counts();
      // From here to the end of the setting nothing is awaited: two scrapes at once each see a whole state.
      for (const each of [failed, running, kept, free, up]) each.reset();
      for (const { service_id: service, kind, count } of failedJobs) failed.inc({ service, kind }, count);
      for (const { kind, count } of runningJobs) running.set({ kind }, count);
      for (const [service, bytes] of keptBytes) kept.set({ service }, bytes);
      for (const [storage, bytes] of freeBytes) free.set({ storage }, bytes);
      for (const { name: storage, answers } of storages) up.set({ storage }, answers ? 1 : 0);
      services.set(engine.health().services);
      return registry.metrics();
    },
  };
}

type MakeGauge = <L extends string>(name: string, help: string, labels: L[]) => Gauge<L>;

function serviceGauges(gauge: MakeGauge) {
  const verdict = gauge('service_verdict', 'How well a service is covered: 0 ok, 1 warning, 2 critical.', ['service']);
  const point = gauge('recovery_point_timestamp_seconds', 'The newest moment that a backup holds.', ['service']);
  const proven = gauge(
    'last_proven_restore_timestamp_seconds',
    'When a backup was last proven by a restore or a verification.',
    ['service'],
  );
  const recovery = gauge(
    'measured_recovery_seconds',
    'How long recovery took in the verification that proved it last.',
    ['service'],
  );
  const ofType = <N extends string>(name: N, help: string) => gauge(`backup_${name}`, help, ['service', 'type']);
  const success = ofType('last_success_timestamp_seconds', 'When the newest good backup ended.');
  const age = ofType('last_success_age_seconds', 'How old the data of the newest good backup are.');
  const duration = ofType('last_duration_seconds', 'How long the newest good backup took.');
  const bytes = ofType('last_size_bytes', 'What the newest good backup takes in its storage.');
  const overdue = ofType('overdue_seconds', 'How long a backup is overdue by its schedules; 0 when none is.');
  const failing = ofType('failed_runs', 'Runs that failed one after another since the newest good backup.');
  const all = [verdict, point, proven, recovery, success, age, duration, bytes, overdue, failing];

  return {
    set(services: readonly ServiceHealth[]): void {
      for (const each of all) each.reset();
      for (const health of services) {
        const service = health.service_id;
        verdict.set({ service }, verdicts.indexOf(health.verdict));
        if (health.recovery_point !== undefined) point.set({ service }, seconds(health.recovery_point.at));
        const { last_proven_restore: proof } = health;
        if (proof !== undefined) proven.set({ service }, seconds(proof.at));
        if (proof?.recovery_seconds !== undefined) recovery.set({ service }, proof.recovery_seconds);
        for (const { type, ...good } of health.last_good) {
          const ended = seconds(good.ended_at);
          success.set({ service, type }, ended);
          age.set({ service, type }, good.age_seconds);
          duration.set({ service, type }, Math.max(0, ended - seconds(good.started_at)));
          if (good.storage_bytes !== undefined) bytes.set({ service, type }, good.storage_bytes);
          failing.set({ service, type }, 0);
        }
        const active = Map.groupBy(
          health.schedules.filter(({ suspended }) => !suspended),
          ({ type }) => type,
        );
        for (const [type, schedules] of active) {
          overdue.set({ service, type }, Math.max(...schedules.map(({ overdue_seconds }) => overdue_seconds)));
        }
        for (const { type, failed_runs } of health.failing) failing.set({ service, type }, failed_runs);
      }
    },
  };
}

function seconds(rfc3339: string): number {
  return Date.parse(rfc3339) / 1000;
}
