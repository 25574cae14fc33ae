import { SkybackupError } from '../../contract/errors.ts';
import { connectWith, type SqlConnection } from '../mariadb/connect.ts';
import { lockHolders } from '../mariadb/lock-holders.ts';
import type { Login } from '../mariadb/login.ts';

/** The error of a lock that did not come in time, naming who may hold it. `what` goes after "lock". */
export async function lockTimeout(login: Login, what: string, lockWaitSeconds: number): Promise<SkybackupError> {
  const server = await connectWith(login).catch(() => undefined);
  const error = await lockRefused(server, `the dump's lock ${what}`, lockWaitSeconds);
  await server?.close();
  return error;
}

/** The same for any lock, over a connection that is there. */
export async function lockRefused(
  server: SqlConnection | undefined,
  lock: string,
  lockWaitSeconds: number,
): Promise<SkybackupError> {
  const holders = server && (await lockHolders(server).catch(() => undefined));
  return new SkybackupError(
    'lock_timeout',
    `The server did not grant ${lock} within ${lockWaitSeconds} s. ${
      holders === undefined
        ? 'Who holds it could not be asked: that takes the PROCESS privilege'
        : `Held up by: ${holders.words}`
    }.`,
    { details: { lock, sessions: holders?.sessions ?? [] } },
  );
}
