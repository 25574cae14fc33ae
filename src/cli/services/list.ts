import { table } from '../table.ts';
import { exitCodes, type Terminal } from '../terminal.ts';
import { withApi } from '../with-api.ts';
import { lockWords } from './lock.ts';

export function listServices(terminal: Terminal): Promise<number> {
  return withApi(terminal, async (api) => {
    const services = await api.listServices();
    const rows = services.map((each) => [
      each.id,
      each.name,
      each.status,
      each.version,
      each.control ?? each.provider,
      each.last_backup_at,
      [each.lock && `LOCKED${lockWords(each.lock)}`, each.message].filter(Boolean).join(' '),
    ]);
    const none = api.daemon ? 'No services yet. Add one: skybackup services add <id> --managed' : 'No services.';
    const head = ['ID', 'NAME', 'STATUS', 'VERSION', 'KIND', 'LAST BACKUP', 'MESSAGE'];
    terminal.result({ services }, services.length === 0 ? none : table(head, rows));
    return exitCodes.done;
  });
}
