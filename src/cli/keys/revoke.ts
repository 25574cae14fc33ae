import { exitCodes, type Terminal } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

export function revokeKey(terminal: Terminal, id: string): Promise<number> {
  return withApi(terminal, async (api) => {
    await daemonOf(api, 'Revoking keys').revokeKey(id);
    terminal.result({ revoked: id }, `Key ${id} is revoked.`);
    return exitCodes.done;
  });
}
