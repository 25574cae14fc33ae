import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupApi } from '../../client/backup-api.ts';
import type { Service } from '../../contract/services.ts';
import { endedJob, throwIfFailed } from '../job-end.ts';
import { exitCodes, type Terminal } from '../terminal.ts';
import { withApi } from '../with-api.ts';

/** Longer than the daemon gives a server: it says better what keeps it. */
const patienceMs = 330_000;

/** Starts or stops a service and waits until it is so. The id was typed by the person: that is the confirmation of a stop. */
export function setPower(terminal: Terminal, id: string, active: boolean): Promise<number> {
  return withApi(terminal, async (api) => {
    const { job_id } = await api.setPower(id, active);
    const job = job_id === undefined ? undefined : await endedJob(api, job_id, patienceMs);
    if (job !== undefined) throwIfFailed(job, 'service_failed');
    const service = await settled(api, id, active ? 'ready' : 'stopped');
    const warnings = Array.isArray(job?.warnings) ? job.warnings.map(String) : [];
    const words = `Service ${service.id} is ${service.status}.${service.message ? ` ${service.message}` : ''}`;
    terminal.result({ service, warnings }, [...warnings, words]);
    const wanted = active ? ['ready', 'pending_start'] : ['stopped', 'pending_stop'];
    return wanted.includes(service.status) ? exitCodes.done : exitCodes.failed;
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
