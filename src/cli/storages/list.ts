import { bytesInWords } from '../../engine/plans/words.ts';
import { table } from '../table.ts';
import { exitCodes, type Terminal } from '../terminal.ts';
import { withApi } from '../with-api.ts';

export function listStorages(terminal: Terminal): Promise<number> {
  return withApi(terminal, async (api) => {
    const storages = await api.listStorages();
    const head = ['NAME', 'PATH', 'DEFAULT FOR', 'LIMIT', 'BACKUPS', 'SIZE', 'ENCRYPTED TO', 'TROUBLE'];
    const rows = storages.map(({ name, path, default_for, limit, backups, storage_bytes, recipients, trouble }) => [
      name,
      path,
      Array.isArray(default_for) ? default_for.join(', ') : default_for,
      limit,
      String(backups ?? 0),
      bytesInWords(storage_bytes ?? 0),
      recipients?.join(', '),
      trouble,
    ]);
    const none = 'No storage is registered; add a bucket: skybackup storages add <name> --path s3://bucket/prefix';
    terminal.result({ storages }, storages.length === 0 ? none : table(head, rows));
    return exitCodes.done;
  });
}
