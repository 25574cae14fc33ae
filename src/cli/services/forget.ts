import { exitCodes, type Terminal } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

/** Takes a service off the daemon's list. Its data, its server and its backups stay. */
export function forgetService(terminal: Terminal, id: string): Promise<number> {
  return withApi(terminal, async (api) => {
    await daemonOf(api, 'Forgetting a service').forgetService(id);
    terminal.result({ forgotten: id }, `Service ${id} is forgotten. Its data and its backups stay where they are.`);
    return exitCodes.done;
  });
}
