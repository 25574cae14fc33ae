import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import { dumpAccounts } from '../dump/accounts.ts';
import { pluginAccounts } from '../dump/plugin-accounts.ts';
import type { JobContext } from '../job-context.ts';
import { startCommand } from '../mariadb/command.ts';
import { connectWith } from '../mariadb/connect.ts';
import type { Login } from '../mariadb/login.ts';
import { writeOptionFile } from '../mariadb/option-file.ts';
import type { PrivateServer } from '../mariadb/private-server.ts';
import { stagingClient } from '../restore/import-dump.ts';
import type { Staging } from '../restore/staging.ts';

/** The accounts that the target has now, as SQL; undefined where there is no target, or none to ask. */
export type PresentAccounts = (() => Promise<string>) | undefined;

/**
 * Sees to it that data from a dump have accounts: those that it held, or else those of the target, as far as their grants
 * fit what was restored. Returns whether it held any.
 */
export async function takeAccounts(
  optionFile: string,
  staging: Staging,
  { connection, login }: PrivateServer,
  present: PresentAccounts,
  job: JobContext,
): Promise<boolean> {
  const [row] = await connection.query<{ count: bigint | number }>(
    "SELECT COUNT(*) AS count FROM mysql.global_priv WHERE user NOT IN ('', 'mariadb.sys', 'PUBLIC', ?)",
    [login.user],
  );
  if (Number(row?.count) > 0) return true;
  if (present === undefined) {
    job.warn('The dump holds no accounts: the server has none but that of skybackup.');
    return false;
  }
  job.phase('choosing', 'The dump holds no accounts: those of the target are kept.');
  const { args, ...client } = stagingClient(optionFile, staging);
  const command = startCommand(
    { ...client, args: [...args, '--force'] },
    { signal: job.signal, stdin: 'pipe', stdout: 'pipe' },
  );
  command.stdin?.on('error', () => {});
  command.stdin?.end(await present());
  if (command.stdout !== null) await text(command.stdout);
  const { stderr } = await command.exit;
  job.signal.throwIfAborted();
  for (const line of stderr.filter((each) => each.startsWith('ERROR')).slice(0, 5)) {
    job.warn(`Of the present accounts this could not be kept: ${line}`);
  }
  return false;
}

/** The accounts of a running server, as SQL. Throws `service_down` where it cannot be asked. */
export async function readAccounts(login: Login, staging: Staging, signal: AbortSignal): Promise<string> {
  const optionFile = join(staging.run, 'target.cnf');
  await writeOptionFile(optionFile, 'client', login);
  try {
    const server = await connectWith(login, { signal });
    try {
      return (await dumpAccounts(optionFile, await pluginAccounts(server), signal)).sql;
    } finally {
      await server.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new SkybackupError(
      'service_down',
      `The dump holds no accounts, and those that the target has now could not be read: ${toSkybackupError(error).message}`,
      { hint: 'Start the service, so that its accounts can be kept, or restore into a new service.', cause: error },
    );
  }
}
