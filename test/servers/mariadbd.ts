import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import type { Connection } from '../../src/contract/services.ts';
import { connect, type SqlConnection } from '../../src/engine/mariadb/connect.ts';
import { findTool } from '../../src/engine/mariadb/tools.ts';
import { seedSql } from './seed.ts';

export interface MariadbdOptions {
  /** Sample data of every common kind; a number adds that many megabytes of rows. */
  seed?: boolean | number;
  /** Also listen on 127.0.0.1 (a free port). Default: the socket only. */
  tcp?: boolean;
  /** More options of mariadbd, given its own folder; they win over the defaults here. */
  args?: readonly string[] | ((root: string) => readonly string[]);
  /** The user, by number, that owns the data and that the server runs as: for tests that are root. Default: ourselves. */
  owner?: number;
  /** Path of the binary logs in the server's own folder; default in its data directory. */
  logBin?: string;
  /** Where the data directory is to be; default in the server's own folder. Made when it is missing. */
  datadir?: string;
  /** More options of mariadb-install-db (page size, data file path). */
  installArgs?: readonly string[];
}

export interface TestMariadbd {
  /** The server's own temporary folder (0700): data, socket, log. Removed by `stop`. */
  readonly root: string;
  readonly socket: string;
  readonly port: number | undefined;
  readonly datadir: string;
  readonly pid: number;
  /** As wanted in the options. */
  readonly owner: number | undefined;
  /** How mariadbd is started, for tests that have it started by others. */
  readonly args: readonly string[];
  /** As root without a password, over the socket. */
  readonly connection: Connection;
  /** Runs SQL through the mariadb client (DELIMITER works) and returns its rows, tab-separated. */
  sql(text: string): Promise<string>;
  /** CHECKSUM TABLE … EXTENDED of every user table and of the system tables that hold accounts and code. */
  checksums(): Promise<Record<string, number | null>>;
  /** The error log so far. */
  log(): string;
  /** Ends the process and keeps the folder: `graceful` by SIGTERM, else SIGKILL as in a crash. */
  down(graceful?: boolean): Promise<void>;
  /** Starts it again after `down`. */
  up(): Promise<void>;
  /** Ends the process and removes the folder. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const asRoot = process.getuid?.() === 0;
const running = new Set<number>();
process.on('exit', () => {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Ended by itself.
    }
  }
});

/** Starts a private MariaDB server on a temporary directory and waits until it answers. */
export async function startMariadbd(options: MariadbdOptions = {}): Promise<TestMariadbd> {
  const root = await mkdtemp(join(tmpdir(), 'skb-db-'));
  chmodSync(root, 0o700);
  const { owner } = options;
  const datadir = options.datadir ?? join(root, 'data');
  const logBin = options.logBin === undefined ? join(datadir, 'binlog') : join(root, options.logBin);
  if (options.logBin !== undefined) mkdirSync(dirname(logBin), { recursive: true });
  const socket = join(root, 's');
  const logFile = join(root, 'error.log');
  // Every mariadbd deletes at its start what looks like temporary tables in its tmpdir: in a shared one, ours too.
  const temporary = join(root, 'tmp');
  mkdirSync(temporary);
  const port = options.tcp ? await freePort() : undefined;
  const connection: Connection = { socket, user: 'root' };

  try {
    await execa(findTool('mariadb-install-db'), [
      '--no-defaults',
      `--datadir=${datadir}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
      '--innodb-log-file-size=16M',
      `--tmpdir=${temporary}`,
      ...(asRoot ? ['--user=root'] : []),
      ...(options.installArgs ?? []),
    ]);
  } catch (error) {
    rmSync(root, { recursive: true, force: true });
    throw error;
  }

  const args = [
    '--no-defaults',
    `--datadir=${datadir}`,
    `--socket=${socket}`,
    `--pid-file=${join(root, 'pid')}`,
    `--log-error=${logFile}`,
    `--tmpdir=${temporary}`,
    `--server-id=${randomInt(1, 1_000_000)}`,
    `--log-bin=${logBin}`,
    '--binlog-format=ROW',
    '--gtid-strict-mode=1',
    '--innodb-log-file-size=16M',
    '--innodb-buffer-pool-size=64M',
    '--performance-schema=OFF',
    '--skip-name-resolve',
    ...(port === undefined ? ['--skip-networking'] : [`--port=${port}`, '--bind-address=127.0.0.1']),
    ...(asRoot && owner === undefined ? ['--user=root'] : []),
    ...(typeof options.args === 'function' ? options.args(root) : (options.args ?? [])),
  ];
  if (owner !== undefined) {
    giveTo(owner, root);
    giveTo(owner, datadir);
  }

  let child: ReturnType<typeof launch> | undefined;
  const up = async (): Promise<void> => {
    child = launch(args, logFile, owner);
    try {
      await untilItAnswers(connection, child, logFile);
    } catch (error) {
      await down(false);
      throw error;
    }
  };
  const down = async (graceful = true): Promise<void> => {
    const current = child;
    child = undefined;
    if (current === undefined) return;
    current.process.kill(graceful ? 'SIGTERM' : 'SIGKILL');
    const forced = setTimeout(() => current.process.kill('SIGKILL'), 30_000);
    await current.ended;
    clearTimeout(forced);
  };
  const stop = async (): Promise<void> => {
    await down();
    rmSync(root, { recursive: true, force: true });
  };
  const sql = async (text: string): Promise<string> => {
    const client = [
      '--no-defaults',
      '--default-character-set=utf8mb4',
      `--socket=${socket}`,
      '--user=root',
      '--batch',
      '--skip-column-names',
    ];
    return (await execa(findTool('mariadb'), client, { input: text })).stdout;
  };

  const server: TestMariadbd = {
    root,
    socket,
    port,
    datadir,
    owner,
    args,
    get pid() {
      return child?.process.pid ?? -1;
    },
    connection,
    sql,
    checksums: () => checksums(connection),
    log: () => readFileSync(logFile, 'utf8'),
    down,
    up,
    stop,
    [Symbol.asyncDispose]: stop,
  };
  try {
    await up();
    if (options.seed) await sql(seedSql(typeof options.seed === 'number' ? options.seed : 0));
  } catch (error) {
    await stop();
    throw error;
  }
  return server;
}

const systemTables = [
  'global_priv',
  'db',
  'tables_priv',
  'columns_priv',
  'procs_priv',
  'roles_mapping',
  'proc',
  'event',
];

/** CHECKSUM TABLE … EXTENDED of every user table and of the key system tables of the server that answers there. */
export async function checksums(connection: Connection): Promise<Record<string, number | null>> {
  const server = await connect(connection);
  try {
    return await checksumsOf(server);
  } finally {
    await server.close();
  }
}

/** The same over a connection that is there. */
export async function checksumsOf(server: SqlConnection): Promise<Record<string, number | null>> {
  const tables = await server.query<{ name: string }>(
    `SELECT CONCAT('\`', REPLACE(table_schema, '\`', '\`\`'), '\`.\`', REPLACE(table_name, '\`', '\`\`'), '\`') AS name
       FROM information_schema.tables
       WHERE table_type NOT LIKE '%VIEW' AND table_type <> 'TEMPORARY'
         AND (table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')
              OR (table_schema = 'mysql' AND table_name IN (?)))
       ORDER BY table_schema, table_name`,
    [systemTables],
  );
  const names = tables.map((table) => table.name);
  const rows = await server.query<{ Table: string; Checksum: number | null }>(
    `CHECKSUM TABLE ${names.join(', ')} EXTENDED`,
  );
  return Object.fromEntries(rows.map((row) => [row.Table, row.Checksum]));
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

/** A folder and everything in it. */
function giveTo(owner: number, folder: string): void {
  for (const name of ['', ...readdirSync(folder, { recursive: true }).map(String)]) {
    chownSync(join(folder, name), owner, owner);
  }
}

function launch(args: readonly string[], logFile: string, owner: number | undefined) {
  const log = openSync(logFile, 'a', 0o600);
  if (owner !== undefined) chownSync(logFile, owner, owner);
  const as = owner === undefined ? {} : { uid: owner, gid: owner };
  const child = spawn(findTool('mariadbd'), args, { stdio: ['ignore', log, log], ...as });
  closeSync(log);
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  const state = { process: child, exited: false, ended: Promise.resolve() };
  state.ended = new Promise((resolve) => {
    const gone = (): void => {
      state.exited = true;
      if (pid !== undefined) running.delete(pid);
      resolve();
    };
    child.once('exit', gone);
    child.once('error', gone);
  });
  return state;
}

async function untilItAnswers(connection: Connection, child: { exited: boolean }, logFile: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      await (await connect(connection)).close();
      return;
    } catch (error) {
      if (child.exited || Date.now() > deadline) {
        throw new Error(`mariadbd did not start: ${readFileSync(logFile, 'utf8').slice(-3000)}`, { cause: error });
      }
    }
    await delay(50);
  }
}
