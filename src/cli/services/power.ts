import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupApi } from '../../client/backup-api.ts';
import type { Service } from '../../contract/services.ts';
import { exitCodes, type Terminal } from '../terminal.ts';
import { withApi } from '../with-api.ts';

const patienceMs = 120_000;

/** Starts or stops a service and waits until it is so. The id was typed by the person: that is the confirmation of a stop. */
export function setPower(terminal: Terminal, id: string, active: boolean): Promise<number> {
  return withApi(terminal, async (api) => {
    await api.setPower(id, active);
    const service = await settled(api, id, active ? 'ready' : 'stopped');
    const words = `Service ${service.id} is ${service.status}.${service.message ? ` ${service.message}` : ''}`;
    terminal.result({ service }, words);
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
    const ended = service.status === 'failed' || (onTheWay && !pending);
    if (service.status === wanted || ended || performance.now() > until) return service;
    onTheWay ||= pending;
  }
}
