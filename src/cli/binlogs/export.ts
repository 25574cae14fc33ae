import { resolve } from 'node:path';
import { homeOf } from '../../contract/home.ts';
import { serviceIdOf } from '../../contract/ids.ts';
import { Identities } from '../../engine/encryption/identities.ts';
import { exportLogs } from '../../engine/recovery/export-logs.ts';
import { openRepository } from '../../engine/repository/open.ts';
import { localDirectory } from '../../engine/storage/local-directory.ts';
import { exitCodes, type Terminal, UsageError } from '../terminal.ts';

export interface ExportOptions {
  to?: string;
  fromGtid?: string;
}

/** Writes the archived binary logs of a service, read from this machine's repository alone: no daemon is needed. */
export async function exportBinlogs(
  terminal: Terminal,
  service: string,
  { to, fromGtid }: ExportOptions,
): Promise<number> {
  if (to === undefined) throw new UsageError('Where to was not given.', 'Name a new directory: --to <dir>.');
  const home = homeOf(terminal.env);
  const repository = openRepository(localDirectory(home.repository), { identities: new Identities(home) });
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
