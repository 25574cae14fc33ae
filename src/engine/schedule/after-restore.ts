import { once } from '../../contract/cron.ts';
import type { EngineContext } from '../engine-context.ts';
import type { JobEnd } from '../store/jobs-table.ts';
import type { ScheduleChange, ScheduleRow } from '../store/schedules-table.ts';
import { standAloneType } from './add-nightly.ts';

type Context = Pick<EngineContext, 'state' | 'clock'>;

/**
 * Wants a backup of data that have just come to be those of a service: there is none of them, and nothing goes on from those
 * of before. To be called in the transaction that records the exchange, so that it is wanted once, and whatever ends the
 * daemon then.
 */
export function wantBackupAfter({ state, clock }: Context, serviceId: string, restoreId: number): void {
  const service = state.services.get(serviceId);
  if (service === undefined) return;
  // What was to be backed up after an earlier exchange is gone.
  state.schedules.removeWaitingAfterRestore(serviceId);
  state.schedules.add({
    service_id: serviceId,
    schedule: once,
    type: standAloneType(service),
    message: `Waits to be ${takenAfter(restoreId)}`,
    warnings: [],
    next_run_at: clock.now(),
    after_restore: restoreId,
  });
}

/** The end of a sentence. */
export function takenAfter(restoreId: number): string {
  return `taken after restore ${restoreId}, which began a new history that no earlier backup is of.`;
}

/** A server may still be coming up; what failed for another reason would fail again. */
const againAfterMs = { interrupted: 0, service_down: 60_000 } as const;

/** When a backup that a restore wants is tried again after this end. */
export function stillWanted({ after_restore }: ScheduleRow, end: JobEnd, now: number): ScheduleChange {
  const code = end.error?.code;
  if (after_restore === undefined || (code !== 'interrupted' && code !== 'service_down')) return {};
  return { next_run_at: now + againAfterMs[code] };
}
