import { serviceIdOf } from '../../contract/ids.ts';
import { carriedOut } from '../carried-out.ts';
import { exitCodes, type Terminal } from '../terminal.ts';
import { typeId } from '../typed-id.ts';
import { daemonOf, withApi } from '../with-api.ts';

export interface RemoveOptions {
  /** The service's id as the person typed it, where no terminal can ask for it. */
  confirm?: string;
}

/** Stops a managed service and deletes it with all its data, once its id was typed. Its backups stay. */
export function removeService(terminal: Terminal, id: string, { confirm }: RemoveOptions): Promise<number> {
  return withApi(terminal, async (api) => {
    const daemon = daemonOf(api, 'Removing a service');
    const service = await api.getService(serviceIdOf(id));
    const copied = service.copied_from === undefined ? '' : ` It is a copy of backup ${service.copied_from}.`;
    terminal.note([
      `ALL DATA of ${service.id} (${service.status}) will be deleted: ${service.datadir ?? 'its data directory'}, and what restores kept beside it.${copied}`,
      'Its backups stay. This cannot be undone.',
    ]);
    const { job_id } = await daemon.removeService(service.id, await typeId(service.id, confirm));
    await carriedOut(terminal, api, job_id, 'service_failed');
    terminal.result({ removed: service.id }, `Service ${service.id} and its data are removed. Its backups stay.`);
    return exitCodes.done;
  });
}
