import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { SkybackupError } from '../../contract/errors.ts';
import type { SqlConnection } from './connect.ts';

/**
 * The process behind a connection, proven to be the server that works in `datadir`: it has the directory as its working
 * directory AND holds the other end of this very connection. mariadb-backup given one server's socket and another's
 * directory copies the wrong data and reports success; a pid file or a path could belong to another machine.
 */
export async function serverProcess(
  server: SqlConnection,
  variables: Readonly<Record<string, string>>,
  datadir: string,
): Promise<number> {
  if (process.platform !== 'linux') {
    throw new SkybackupError(
      'unsupported',
      `On ${process.platform} it cannot be proven whose data directory ${datadir} is.`,
      {
        hint: 'Take physical backups on Linux; elsewhere take logical dumps.',
      },
    );
  }
  const said = variables.datadir ?? '';
  const wrong = (): SkybackupError =>
    new SkybackupError(
      'wrong_data_directory',
      `The server that answers works in ${said || 'another directory'}, and not in the registered ${datadir} of this machine.`,
      { details: { server_datadir: said, registered_datadir: datadir } },
    );
  const registered = await stat(datadir);
  const reported = await stat(said).catch(() => undefined);
  if (reported?.ino !== registered.ino || reported.dev !== registered.dev) throw wrong();

  const sockets = await serverSockets(server, variables);
  const { candidates, hidden } = await processesWorkingIn(registered);
  for (const pid of candidates) {
    const held = await heldSockets(pid);
    if (held === undefined) hidden.push(pid);
    else if (held.some((inode) => sockets.has(inode))) return pid;
  }
  if (hidden.length === 0) throw wrong();
  throw new SkybackupError(
    'unreadable_directory',
    `It cannot be proven that the server that answers works in ${datadir}: the processes of other users are hidden from this one.`,
    { hint: 'Run the daemon as the user that owns the data directory, or as root.' },
  );
}

/** Inodes of the sockets that the server's end of this connection can be. */
async function serverSockets(server: SqlConnection, variables: Readonly<Record<string, string>>): Promise<Set<string>> {
  const [row] = await server.query<{ host: string }>(
    'SELECT host FROM information_schema.processlist WHERE id = CONNECTION_ID()',
  );
  const port = /:(\d+)$/.exec(row?.host ?? '')?.[1];
  if (port === undefined) return unixSockets(variables.socket ?? '');
  return tcpSockets(Number(variables.port ?? 0), Number(port));
}

/** /proc/net/unix: `Num RefCount Protocol Flags Type St Inode Path`. Accepted sockets carry the listener's path. */
async function unixSockets(path: string): Promise<Set<string>> {
  const lines = (await readProc('/proc/net/unix')).split('\n').map((line) => line.trim().split(/\s+/));
  return new Set(lines.filter((fields) => fields.slice(7).join(' ') === path).map((fields) => fields[6] ?? ''));
}

/** /proc/net/tcp: `sl local_address rem_address st … inode` at the tenth place; addresses end in `:<port in hex>`. */
async function tcpSockets(serverPort: number, clientPort: number): Promise<Set<string>> {
  const hex = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = `${await readProc('/proc/net/tcp')}\n${await readProc('/proc/net/tcp6')}`.split('\n');
  return new Set(
    lines
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(hex(serverPort)) && fields[2]?.endsWith(hex(clientPort)))
      .map((fields) => fields[9] ?? ''),
  );
}

async function processesWorkingIn(directory: {
  dev: number;
  ino: number;
}): Promise<{ candidates: number[]; hidden: number[] }> {
  const [candidates, hidden]: [number[], number[]] = [[], []];
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  for (const pid of pids) {
    try {
      const cwd = await stat(`/proc/${pid}/cwd`);
      if (cwd.ino === directory.ino && cwd.dev === directory.dev) candidates.push(pid);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM') hidden.push(pid);
    }
  }
  return { candidates, hidden };
}

/** Inodes of the sockets a process has open; undefined when that is hidden. */
async function heldSockets(pid: number): Promise<string[] | undefined> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => undefined);
  if (names === undefined) return undefined;
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
}

async function readProc(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
