import { SkybackupError } from '../../contract/errors.ts';
import { connectWith } from '../mariadb/connect.ts';
import { lockHolders } from '../mariadb/lock-holders.ts';
import type { Login } from '../mariadb/login.ts';

/** The error of a lock that did not come in time, naming who may hold it. `what` goes after "lock". */
export async function lockTimeout(login: Login, what: string, lockWaitSeconds: number): Promise<SkybackupError> {
  const server = await connectWith(login).catch(() => undefined);
  const holders = await server
    ?.query('SELECT 1')
    .then(
      () => lockHolders(server),
      () => undefined,
    )
    .catch(() => undefined);
  await server?.close();
  return new SkybackupError(
    'lock_timeout',
    `The server did not grant the dump's lock ${what} within ${lockWaitSeconds} s. ${
      holders === undefined
        ? 'Who holds it could not be asked: that takes the PROCESS privilege'
        : `Held up by: ${holders.words}`
    }.`,
    { details: { lock: what, sessions: holders?.sessions ?? [] } },
  );
}
