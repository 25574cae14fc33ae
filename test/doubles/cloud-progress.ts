import { createHash } from 'node:crypto';
import type { CloudBackup, CloudSchedule, CloudState } from './cloud-state.ts';
import { now } from './cloud-state.ts';

/** One step on for every one-time schedule: Scheduled → Running (its backup appears) → Succeeded. */
export function advanceSchedules(state: CloudState): void {
  for (const schedule of state.schedules) {
    if (schedule.schedule !== 'once' || schedule.suspended) continue;
    if (schedule.status === 'Scheduled') {
      schedule.status = 'Running';
      schedule.message = 'Backup is in progress.';
      schedule.backup = backupOf(schedule, state);
      state.backups.push(schedule.backup);
    } else if (schedule.status === 'Running' && schedule.backup) {
      schedule.status = 'Succeeded';
      schedule.message = 'Backup has succeeded!';
      Object.assign(schedule.backup, { status: 'Succeeded', end_time: now(state) });
    }
  }
}

/** One step on for every restore: Scheduled → Running (the target is busy) → Succeeded (a physical one leaves the target stopped), or Failed. */
export function advanceRestores(state: CloudState, end: 'Succeeded' | 'Failed'): void {
  for (const restore of state.restores) {
    const target = state.services.find((service) => service.id === restore.service_id);
    if (restore.status === 'Scheduled') {
      restore.status = 'Running';
      restore.message = 'server is not-ready';
      if (restore.type === 'physical' && target) target.status = 'pending_modifying';
    } else if (restore.status === 'Running') {
      restore.status = end;
      restore.message = end === 'Failed' ? 'The archive cannot be read.' : 'Restore has succeeded!';
      if (restore.type === 'physical' && target) Object.assign(target, { status: 'stopped', is_active: false });
    }
  }
}

/** Pending power changes come to their end. */
export function advanceServices(state: CloudState): void {
  for (const service of state.services) {
    if (service.status === 'pending_start') Object.assign(service, { status: 'ready', is_active: true });
    if (service.status === 'pending_stop') Object.assign(service, { status: 'stopped', is_active: false });
  }
}

function backupOf(schedule: CloudSchedule, state: CloudState): CloudBackup {
  const service = state.services.find((each) => each.id === schedule.service_id);
  const pod = `${service?.name ?? schedule.service_id}-0`;
  const full = state.backups.findLast((each) => each.service_id === schedule.service_id && each.type === 'full');
  return {
    id: `${createHash('md5').update(`${schedule.id}`).digest('hex')}:${schedule.service_id}:${pod}`,
    service_id: schedule.service_id,
    type: schedule.type,
    method: 'skybucket',
    server_pod: pod,
    bytes: 6_000_000 + schedule.id,
    reference_full_backup: schedule.type === 'incremental' ? (full?.id ?? '') : '',
    point_in_time: now(state).replace('T', ' ').replace('Z', ''),
    start_time: now(state),
    end_time: '',
    status: 'Running',
    external: schedule.external,
  };
}
