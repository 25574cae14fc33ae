import { restoredFrom } from '../../contract/either-revision.ts';
import type { KeptCopy, Restore } from '../../contract/restores.ts';
import { sizeInWords, timeInWords } from '../../mcp/sizes-and-times.ts';
import { table } from '../table.ts';
import { exitCodes, type Terminal } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

/** The newest restores, of all services or one. */
export function listRestores(terminal: Terminal, service: string | undefined): Promise<number> {
  return withApi(terminal, async (api) => {
    const query = { order: 'desc', page_size: 50, ...(service === undefined ? {} : { service_id: service }) } as const;
    const { items } = await api.listRestores(query);
    const head = ['ID', 'SERVICE', 'STATUS', 'WHEN', 'FROM', 'UNDO UNTIL', 'MESSAGE'];
    terminal.result({ restores: items }, items.length === 0 ? 'No restores.' : table(head, items.map(row)));
    return exitCodes.done;
  });
}

function row(restore: Restore): (string | undefined)[] {
  const { id, service_id, status, created_at, undo_of, kept_data, kept_until, kept_bytes, message } = restore;
  const from = undo_of === undefined ? restoredFrom(restore) : `undoes ${undo_of}`;
  const size = kept_bytes === undefined ? '' : ` (${sizeInWords(kept_bytes)})`;
  const until = kept_data === undefined ? undefined : `${timeInWords(kept_until)}${size}`;
  return [String(id), service_id, status, timeInWords(created_at), from, until, message];
}

/** The data of before restores that are still there: what can be put back, until when, and what it takes. */
export function listKept(terminal: Terminal): Promise<number> {
  return withApi(terminal, async (api) => {
    const kept = await daemonOf(api, 'Keeping data of before a restore').listKeptCopies();
    const head = ['RESTORE', 'SERVICE', 'DATA UNTIL', 'KEPT UNTIL', 'SIZE', 'PLACE'];
    const rows = kept.map(({ restore_id, service_id, kept_at, kept_until, bytes, path }: KeptCopy) => [
      String(restore_id),
      service_id,
      timeInWords(kept_at),
      timeInWords(kept_until),
      sizeInWords(bytes),
      path,
    ]);
    terminal.result({ kept }, kept.length === 0 ? 'No data of before a restore are kept.' : table(head, rows));
    return exitCodes.done;
  });
}
