import { SkybackupError } from '../../contract/errors.ts';
import { connectWith, type SqlConnection } from '../mariadb/connect.ts';
import type { Login } from '../mariadb/login.ts';
import { lockTimeout } from './lock-timeout.ts';

export interface ReadLock {
  /** From here on nothing was written. */
  since: Date;
  /** Lets writes go on. Tells whether the lock was held until now. */
  release(): Promise<boolean>;
}

/**
 * Holds every table of the server still, for tables that a transaction does not. The lock is this process's own and not
 * mariadb-dump's: the server bounds the wait itself, and a wait that is given up can be ended by its number. A dump that is
 * killed while it waits leaves its session behind, which goes on waiting, with everybody's writes behind it.
 */
export async function lockAllTables(
  login: Login,
  { signal, lockWaitSeconds }: { signal: AbortSignal; lockWaitSeconds: number },
): Promise<ReadLock> {
  const server = await connectWith(login, { signal });
  const session = server.raw.threadId ?? 0;
  try {
    await server.query('SET SESSION lock_wait_timeout = ?, SESSION wait_timeout = 31536000', [lockWaitSeconds]);
    await server.query('FLUSH TABLES WITH READ LOCK');
  } catch (error) {
    await server.close();
    if (signal.aborted) await endSession(login, session);
    const late = error instanceof SkybackupError && error.details.errno === 1205;
    throw late ? await lockTimeout(login, 'on all tables', lockWaitSeconds) : error;
  }
  return { since: new Date(), release: () => release(server) };
}

async function release(server: SqlConnection): Promise<boolean> {
  try {
    await server.query('UNLOCK TABLES');
    return true;
  } catch {
    return false;
  } finally {
    await server.close();
  }
}

/** Ends a session of the backup's own; one that has gone already is as good. */
export async function endSession(login: Login, session: number): Promise<void> {
  const server = await connectWith(login).catch(() => undefined);
  await server?.query(`KILL CONNECTION ${Math.trunc(session)}`).catch(() => []);
  await server?.close();
}
