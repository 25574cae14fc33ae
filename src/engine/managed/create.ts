import { randomInt, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import type { Connection } from '../../contract/services.ts';
import { describeExit, runCommand, startCommand } from '../mariadb/command.ts';
import { accountStatements, randomPassword } from '../mariadb/native-account.ts';
import { endTagged, tag } from '../mariadb/tagged-processes.ts';
import { findTool } from '../mariadb/tools.ts';
import { ownAccountSql, readClientPassword, writeClientFile } from './account.ts';
import { readMarker, writeMarker } from './data-marker.ts';
import { renameDurably } from './durable-file.ts';
import { type ManagedLayout, managedLayout, shortSocket } from './layout.ts';
import { choosePort } from './port.ts';
import { otherServerFiles, readServerFile, type ServerFile, writeServerFile } from './server-file.ts';

export interface CreatedServer {
  connection: Connection;
  datadir: string;
  /** Of the data in `datadir`, as their marker says. */
  incarnation: string;
  /** False when the data directory was there already: from a creation that was interrupted, or a service forgotten since. */
  created: boolean;
}

/**
 * Makes an empty MariaDB server in `$HOME/services/<id>`, not started. Called again after an interruption it goes on where
 * it was; data that are there already are kept. Throws `tool_missing`, `service_failed` with the tool's words.
 */
export async function createManagedServer(home: Home, id: string): Promise<CreatedServer> {
  const layout = managedLayout(home, id);
  mkdirSync(layout.root, { recursive: true, mode: 0o700 });
  const { password } = await describeManagedServer(home, id);
  const created = !existsSync(layout.data);
  if (created) await makeDataDirectory(id, layout, password);
  const marker = readMarker(layout.data);
  if (marker === undefined) {
    throw new SkybackupError('unsupported_layout', `${layout.data} was not made by skybackup.`, {
      hint: `Move ${layout.data} away, or register its server with its connection instead.`,
    });
  }
  return {
    connection: ownConnection(layout),
    datadir: layout.data,
    incarnation: marker.incarnation,
    created,
  };
}

/** How the daemon reaches a managed server, whether it is made already or not. */
export function ownConnection(layout: ManagedLayout): Connection {
  return { socket: serverSocket(layout), defaults_file: layout.clientFile };
}

/** Writes how a managed server is to be started and logged in to, or reads what was written before. */
export async function describeManagedServer(home: Home, id: string): Promise<{ server: ServerFile; password: string }> {
  const layout = managedLayout(home, id);
  const server = existsSync(layout.serverFile) ? readServerFile(layout) : await describeServer(home, id, layout);
  const known = readClientPassword(layout.clientFile);
  const password = known ?? randomPassword();
  if (known === undefined) writeClientFile(layout.clientFile, server.socket, password);
  return { server, password };
}

function serverSocket(layout: ManagedLayout): string {
  return shortSocket(`${layout.run}/mysqld.sock`);
}

async function describeServer(home: Home, id: string, layout: ManagedLayout): Promise<ServerFile> {
  const others = otherServerFiles(home, id);
  const takenIds = new Set(others.map((other) => other.server_id));
  let serverId = randomInt(1, 2 ** 31);
  while (takenIds.has(serverId)) serverId = randomInt(1, 2 ** 31);
  const file: ServerFile = {
    format: 1,
    socket: serverSocket(layout),
    port: await choosePort(new Set(others.map((other) => other.port))),
    server_id: serverId,
    created_at: new Date().toISOString(),
    wanted: 'stopped',
    process: null,
  };
  writeServerFile(layout, file);
  return file;
}

/** Everything happens under another name, and the rename comes last: a data directory that exists is whole. */
async function makeDataDirectory(id: string, layout: ManagedLayout, password: string): Promise<void> {
  // An interrupted creation may have left its tools running: they would write into what we make now.
  await endTagged(layout.unfinished);
  rmSync(layout.unfinished, { recursive: true, force: true });
  // Every mariadbd deletes at its start what looks like temporary tables in its tmpdir: in a shared one, ours too.
  mkdirSync(layout.temporary, { recursive: true, mode: 0o700 });
  const env = { ...tag(layout.unfinished), TMPDIR: layout.temporary };
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  await runCommand(
    {
      path: findTool('mariadb-install-db'),
      args: [
        '--no-defaults',
        `--datadir=${layout.unfinished}`,
        // Whoever owns the daemon may be root over the socket; nobody has an account without a password.
        '--auth-root-authentication-method=socket',
        `--auth-root-socket-user=${userInfo().username}`,
        '--skip-test-db',
        '--skip-name-resolve',
        ...asRoot,
      ],
      env,
    },
    { failure: 'service_failed' },
  );
  await runSql(
    layout.unfinished,
    env,
    [...asRoot],
    ['FLUSH PRIVILEGES', ...accountStatements(ownAccountSql, password)],
  );
  writeMarker(layout.unfinished, {
    format: 1,
    service_id: id,
    incarnation: randomUUID(),
    created_at: new Date().toISOString(),
    options: {},
  });
  renameDurably(layout.unfinished, layout.data);
}

/** Runs statements on a data directory without a server that others could reach. */
async function runSql(
  datadir: string,
  env: Record<string, string>,
  asRoot: string[],
  statements: string[],
): Promise<void> {
  const command = startCommand(
    {
      path: findTool('mariadbd'),
      args: ['--no-defaults', '--bootstrap', `--datadir=${datadir}`, '--skip-log-bin', ...asRoot],
      env,
    },
    { stdin: 'pipe', stdout: 'ignore' },
  );
  command.stdin?.on('error', () => {});
  command.stdin?.end(statements.map((statement) => `${statement};\n`).join(''));
  const exit = await command.exit;
  if (exit.code !== 0) throw new SkybackupError('service_failed', describeExit(exit));
}
