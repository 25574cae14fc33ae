import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupApi } from '../../client/backup-api.ts';
import { type ErrorCode, errorTable, SkybackupError } from '../../contract/errors.ts';
import type { Job } from '../../contract/jobs.ts';
import type { Service } from '../../contract/services.ts';
import { classifyStatus } from '../../contract/status.ts';
import { exitCodes, type Terminal } from '../terminal.ts';
import { withApi } from '../with-api.ts';

/** Longer than the daemon gives a server: it says better what keeps it. */
const patienceMs = 330_000;

/** Starts or stops a service and waits until it is so. The id was typed by the person: that is the confirmation of a stop. */
export function setPower(terminal: Terminal, id: string, active: boolean): Promise<number> {
  return withApi(terminal, async (api) => {
    const { job_id } = await api.setPower(id, active);
    const job = job_id === undefined ? undefined : await ended(api, job_id);
    if (job !== undefined) throwIfFailed(job);
    const service = await settled(api, id, active ? 'ready' : 'stopped');
    const warnings = Array.isArray(job?.warnings) ? job.warnings.map(String) : [];
    const words = `Service ${service.id} is ${service.status}.${service.message ? ` ${service.message}` : ''}`;
    terminal.result({ service, warnings }, [...warnings, words]);
    const wanted = active ? ['ready', 'pending_start'] : ['stopped', 'pending_stop'];
    return wanted.includes(service.status) ? exitCodes.done : exitCodes.failed;
  });
}

/** The daemon's job once it has ended, or as it is when patience ends. */
async function ended(api: BackupApi, jobId: number): Promise<Job | undefined> {
  for (const until = performance.now() + patienceMs; ; await sleep(250)) {
    const job = await api.daemon?.getJob(jobId);
    if (job === undefined || classifyStatus(job.status) !== 'in_progress' || performance.now() > until) return job;
  }
}

function throwIfFailed({ status, error, message }: Job): void {
  if (classifyStatus(status) !== 'failed') return;
  const known = (code: string): code is ErrorCode => Object.hasOwn(errorTable, code);
  const code = error !== undefined && known(error.code) ? error.code : 'service_failed';
  throw new SkybackupError(code, error?.message ?? message ?? `The job ended as ${status}.`, {
    ...(error?.hint === undefined ? {} : { hint: error.hint }),
  });
}

/** The service once it has the wanted status, or gave up on the way there, or as it is when patience ends. */
async function settled(api: BackupApi, id: string, wanted: string): Promise<Service> {
  let onTheWay = false;
  for (const until = performance.now() + patienceMs; ; await sleep(250)) {
    const service = await api.getService(id);
    const pending = service.status.startsWith('pending');
    // A daemon's job was waited for: there is nothing more to come.
    const done = api.daemon !== undefined || service.status === 'failed' || (onTheWay && !pending);
    if (service.status === wanted || done || performance.now() > until) return service;
    onTheWay ||= pending;
  }
}
