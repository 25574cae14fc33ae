import type { EngineContext } from '../engine-context.ts';
import type { ServiceRecord } from '../service.ts';
import { nextRunAfter } from './next-run.ts';
import { nightlyCron } from './nightly.ts';

/** A full backup every night; a dump, which asks the server alone, of one whose data directory is not at hand. */
export function addNightly(
  { state, clock }: Pick<EngineContext, 'state' | 'clock'>,
  { id, datadir }: Pick<ServiceRecord, 'id' | 'datadir'>,
): void {
  const schedule = nightlyCron(id);
  const type = standAloneType({ datadir });
  state.schedules.add({
    service_id: id,
    schedule,
    type,
    message:
      type === 'full'
        ? 'A nightly full backup, made when the service was registered.'
        : 'A nightly dump, made when the service was registered without a data directory.',
    warnings: [],
    next_run_at: nextRunAfter(schedule, clock.now()),
  });
}

/** The backup that builds on no other, as the service can give it. */
export function standAloneType({ datadir }: Pick<ServiceRecord, 'datadir'>): 'full' | 'dump' {
  return datadir === undefined ? 'dump' : 'full';
}
