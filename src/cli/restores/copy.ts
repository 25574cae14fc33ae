import { carriedOut } from '../carried-out.ts';
import { exitCodes, type Terminal } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

export interface CopyOptions {
  id?: string;
  tables?: string[];
  nightly?: boolean;
  at?: string;
  beforeGtid?: string;
}

/** Makes a new managed service of a backup, or of a service at a moment, beside everything there is, and waits until it runs. */
export function copyBackup(terminal: Terminal, backup: string, options: CopyOptions): Promise<number> {
  return withApi(terminal, async (api) => {
    daemonOf(api, 'A new service');
    const { id: service_id, tables, nightly, at, beforeGtid } = options;
    const restore = await api.createRestore({
      target: 'new',
      backup_id: backup,
      ...(service_id === undefined ? {} : { service_id }),
      ...(tables === undefined ? {} : { tables }),
      ...(nightly === true ? { nightly } : {}),
      ...(at === undefined ? {} : { point_in_time: at }),
      ...(beforeGtid === undefined ? {} : { before_gtid: beforeGtid }),
    });
    terminal.note(`Restore ${restore.id} makes service ${restore.service_id}.`);
    await carriedOut(terminal, api, restore.job_id, 'restore_failed');
    const made = await api.getRestore(restore.id);
    const warnings = (made.warnings ?? []).map((warning) => `Warning: ${warning}`);
    terminal.result({ restore: made }, [...warnings, made.message ?? `Service ${made.service_id} is there.`]);
    return exitCodes.done;
  });
}
