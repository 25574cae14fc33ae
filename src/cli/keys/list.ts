import { table } from '../table.ts';
import { exitCodes, type Terminal } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

export function listKeys(terminal: Terminal): Promise<number> {
  return withApi(terminal, async (api) => {
    const keys = await daemonOf(api, 'Listing keys').listKeys();
    const head = ['ID', 'ROLE', 'NAME', 'CREATED', 'LAST USED', 'REVOKED'];
    const rows = keys.map((key) => [key.id, key.role, key.name, key.created_at, key.last_used_at, key.revoked_at]);
    terminal.result({ keys }, keys.length === 0 ? 'No keys.' : table(head, rows));
    return exitCodes.done;
  });
}
