import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../contract/errors.ts';
import type { SqlConnection } from '../mariadb/connect.ts';

/** Held by the session that imports for as long as it lives, so that it is found again after its client is gone. */
export const importLock = 'skybackup_import';

/**
 * Of every session that changes the target. It is logged: replicas and archived logs are to go on with what the server has.
 * The server's own defaults could keep rows uncommitted, cut long statements or idle sessions off, or refuse tables that the dumped server took.
 */
export function changingSession(lockWaitSeconds: number): string {
  return `SET SESSION autocommit = 1, foreign_key_checks = 0, innodb_strict_mode = 0, max_statement_time = 0, wait_timeout = 31536000, lock_wait_timeout = ${lockWaitSeconds}`;
}

/** The same for the session of the client. */
export function importSession(lockWaitSeconds: number): string {
  return `${changingSession(lockWaitSeconds)}, @skybackup = GET_LOCK('${importLock}', 0)`;
}

const endMs = 30_000;

/**
 * Ends what the session of an import still does after its client ended early: the server notices that only between two
 * statements. Throws `conflict` when it goes on all the same.
 */
export async function endImportSession(server: SqlConnection): Promise<void> {
  const deadline = Date.now() + endMs;
  for (;;) {
    const [row] = await server.query<{ session: number | null }>('SELECT IS_USED_LOCK(?) AS session', [importLock]);
    if (row?.session == null) return;
    if (Date.now() >= deadline) {
      throw new SkybackupError('conflict', `Session ${row.session} of the import was ended and still goes on.`, {
        hint: 'Wait until it is gone from the process list, then restore again.',
      });
    }
    await server.query(`KILL CONNECTION ${Math.trunc(row.session)}`).catch(() => []);
    await delay(100);
  }
}
