import type { JobRow } from '../store/jobs-table.ts';
import type { StateStore } from '../store/state-store.ts';
import type { RetainedBackup } from './retained-backup.ts';

/** Somebody who counts on a backup being there. */
interface Need {
  backup: string;
  /** The binary logs after it, too: which of them may still have to be found out, so none of them go meanwhile. */
  logs: boolean;
  who: string;
}

const readsLogs: ReadonlySet<string> = new Set(['restore', 'verify', 'drill']);

/**
 * Why a backup of a service must stay for now: a job works with it, or a plan that can still be carried out names it. What
 * these build on is left to the caller.
 */
export function pinsOf(
  state: Pick<StateStore, 'jobs' | 'plans'>,
  serviceId: string,
): (backup: Pick<RetainedBackup, 'id' | 'type'>) => string | undefined {
  const needs = [...state.jobs.active().flatMap(needOfJob), ...needsOfPlans(state)];
  const users = new Map(needs.map(({ backup, who }) => [backup, who]));
  const reader = needs.find(({ backup, logs }) => logs && backup.split(':')[1] === serviceId);
  return ({ id, type }) => {
    const user = users.get(id);
    if (user !== undefined) return `${user} works with it`;
    return reader !== undefined && type === 'binarylog' ? `${reader.who} may roll a backup forward with it` : undefined;
  };
}

function needOfJob({ id, kind, backup_id }: JobRow): Need[] {
  return backup_id === undefined ? [] : [{ backup: backup_id, logs: readsLogs.has(kind), who: `job ${id}` }];
}

/** Of every restore that was planned and is neither begun nor given up. */
function needsOfPlans({ plans }: Pick<StateStore, 'plans'>): Need[] {
  return plans.list().flatMap(({ operation, status, code, arguments: { id, ...more } }) => {
    if (operation !== 'restore_backup' || (status !== 'pending' && status !== 'approved')) return [];
    const logs = more.point_in_time ?? more.gtid ?? more.before_gtid;
    return typeof id === 'string' ? [{ backup: id, logs: logs !== undefined, who: `plan ${code}` }] : [];
  });
}
