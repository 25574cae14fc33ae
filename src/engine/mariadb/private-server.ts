import { chownSync, rmSync, writeFileSync } from 'node:fs';
import { SkybackupError } from '../../contract/errors.ts';
import { connectWith, type SqlConnection } from './connect.ts';
import type { Login } from './login.ts';
import { accountStatements, randomPassword } from './native-account.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { waitUntilGone } from './process-identity.ts';
import { errorLines, logLinesSince, sayErrors } from './server-log.ts';
import { fileOptionArguments } from './server-options.ts';
import { awaitAnswer, discardServer, launchServer, stopServer } from './server-process.ts';

export interface PrivateServerSpec {
  data: string;
  /** Short enough for a socket, in a folder of this user alone. */
  socket: string;
  run: string;
  temporary: string;
  log: string;
  initFile: string;
  env: Readonly<Record<string, string>>;
  /** The owner of the data, where that is not ourselves. */
  as: { uid?: number; gid?: number };
  /** Of the source; only those its files need are taken. */
  options: Readonly<Record<string, string>>;
  serverId: number;
  /** What its binary logs are called, in the data; default `binlog`. */
  logName?: string | undefined;
}

export interface PrivateServer {
  readonly identity: ProcessIdentity;
  readonly connection: SqlConnection;
  /** For tools that write to it. */
  readonly login: Login;
  /** Removes its own account and ends the server; throws when its log tells of an error. */
  stop(): Promise<void>;
  /** Ends it at once, for data that are thrown away. Safe to repeat, also after `stop`. */
  discard(): Promise<void>;
}

/** Its own, quoted. */
export const privateAccount = '`skybackup_private`@`localhost`';

/** "All privileges" leave PROXY out, and none may grant it who has not got it: dumps and logs do. It goes with the account. */
const proxyStatements: readonly string[] = [
  `REPLACE INTO mysql.proxies_priv (host, user, proxied_host, proxied_user, with_grant, grantor) VALUES ('localhost', 'skybackup_private', '', '', 1, '')`,
  'FLUSH PRIVILEGES',
];

/** Makes its account, anew where it has gone. */
export function privateAccountStatements(password: string): string[] {
  return [...accountStatements(privateAccount, password), ...proxyStatements];
}

/**
 * Options of a server that nobody but us reaches and that does nothing by itself. The grant tables stay on: with
 * --skip-grant-tables a GRANT fails. The event scheduler is OFF, not DISABLED, since CREATE EVENT must still work.
 * The binary log is on for its GTID state alone; it is emptied at the end.
 */
function privateServerArguments(spec: PrivateServerSpec): string[] {
  return [
    `--datadir=${spec.data}`,
    `--socket=${spec.socket}`,
    `--pid-file=${spec.run}/mysqld.pid`,
    `--log-error=${spec.log}`,
    `--tmpdir=${spec.temporary}`,
    `--init-file=${spec.initFile}`,
    `--server-id=${spec.serverId}`,
    `--log-bin=${spec.logName ?? 'binlog'}`,
    '--binlog-format=ROW',
    '--gtid-strict-mode=1',
    '--skip-networking',
    '--skip-name-resolve',
    '--event-scheduler=OFF',
    '--skip-slave-start',
    '--local-infile=0',
    // What is imported or replayed reaches no file but the data: DATA DIRECTORY is then left out of a CREATE TABLE, too.
    '--skip-symbolic-links',
    `--secure-file-priv=${spec.temporary}`,
    '--max-allowed-packet=1G',
    // In 10.6 compressed tables are read-only unless told otherwise; later servers do not know the option.
    '--loose-innodb-read-only-compressed=OFF',
    // Whatever is lost with the machine is made anew; what is kept, its clean end and the sealing make durable.
    '--innodb-flush-log-at-trx-commit=0',
    '--strict-password-validation=0',
    // Functions that do not say what they do: a server with a binary log refuses them else, and the source had them.
    '--log-bin-trust-function-creators=1',
    // The long form: `--loose-connect` would be taken for the start of --connect-timeout, and no login would succeed.
    '--loose-plugin-federated=OFF',
    '--loose-plugin-spider=OFF',
    '--loose-plugin-connect=OFF',
    ...fileOptionArguments(spec.options),
  ];
}

/**
 * Starts a server on unpacked data, with an account of its own that no backup holds. Throws `restore_failed` with the
 * errors of its log; then nothing of it runs any more.
 */
export async function startPrivateServer(spec: PrivateServerSpec, signal: AbortSignal): Promise<PrivateServer> {
  const password = randomPassword();
  const statements = privateAccountStatements(password).map((line) => `${line};\n`);
  writeFileSync(spec.initFile, statements.join(''), { mode: 0o600, flag: 'wx' });
  if (spec.as.uid !== undefined) chownSync(spec.initFile, spec.as.uid, spec.as.gid ?? -1);
  const identity = await launchServer({
    args: privateServerArguments(spec),
    log: spec.log,
    cwd: spec.run,
    env: spec.env,
    ...spec.as,
  });
  const login = { socket: spec.socket, user: 'skybackup_private', password };
  try {
    const answer = await awaitAnswer(identity, login, { timeoutMs: 600_000, signal });
    if (answer !== 'answers') throw startFailure(spec, answer);
    // Without the job's signal: this connection is still needed when a cancel comes too late.
    const connection = await connectWith(login);
    return {
      identity,
      connection,
      login,
      stop: () => stop(spec, identity, connection),
      discard: () => discard(identity, connection),
    };
  } catch (error) {
    await discardServer(identity, 0);
    throw error;
  } finally {
    rmSync(spec.initFile, { force: true });
  }
}

function startFailure(spec: PrivateServerSpec, answer: string): SkybackupError {
  const said = sayErrors(logLinesSince(spec.log, 0));
  return new SkybackupError(
    'restore_failed',
    `The restored data did not pass their proof: a private server on them ${answer === 'gone' ? 'did not start' : 'did not answer'}${said === '' ? '' : `: ${said}`}.`,
  );
}

async function stop(spec: PrivateServerSpec, identity: ProcessIdentity, connection: SqlConnection): Promise<void> {
  await connection.query('SET SESSION sql_log_bin = 0');
  await connection.query(`DROP USER IF EXISTS ${privateAccount}`);
  await connection.close();
  await stopServer(identity, spec.data, { timeoutMs: 300_000 });
  const lines = logLinesSince(spec.log, 0);
  if (errorLines(lines).length > 0) {
    throw new SkybackupError(
      'restore_failed',
      `The restored data did not pass their proof: the private server on them said ${sayErrors(lines)}.`,
    );
  }
}

async function discard(identity: ProcessIdentity, connection: SqlConnection): Promise<void> {
  connection.raw.destroy();
  await discardServer(identity, 0);
  await waitUntilGone(identity, 10_000);
}
