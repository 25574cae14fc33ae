import { resolve } from 'node:path';
import { homeOf } from '../../contract/home.ts';
import { serviceIdOf } from '../../contract/ids.ts';
import { exportLogs } from '../../engine/recovery/export-logs.ts';
import { joinedRepository } from '../../engine/storages/joined-repository.ts';
import { exitCodes, type Terminal, UsageError } from '../terminal.ts';

export interface ExportOptions {
  to?: string;
  fromGtid?: string;
}

/** Writes the archived binary logs of a service, read from the storages of this home: no daemon is needed. */
export async function exportBinlogs(
  terminal: Terminal,
  service: string,
  { to, fromGtid }: ExportOptions,
): Promise<number> {
  if (to === undefined) throw new UsageError('Where to was not given.', 'Name a new directory: --to <dir>.');
  const repository = joinedRepository(homeOf(terminal.env));
  const exported = await exportLogs(
    repository,
    { serviceId: serviceIdOf(service), directory: resolve(to), fromGtid },
    new AbortController().signal,
  );
  const { logs, index, directory, from_gtid, until_gtid } = exported;
  terminal.result(exported, [
    `${logs.length} binary logs of ${exported.service_id} are in ${directory}, named in ${index}.`,
    `They hold what was committed after GTID ${from_gtid || 'none'}, up to ${until_gtid}.`,
  ]);
  return exitCodes.done;
}
