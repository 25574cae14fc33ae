import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import type { Login } from '../mariadb/login.ts';
import { isAlive, type ProcessIdentity, signalProcess, waitUntilGone } from '../mariadb/process-identity.ts';
import { logLinesSince, logOffset, sayErrors } from '../mariadb/server-log.ts';
import { fileOptionArguments } from '../mariadb/server-options.ts';
import { type Answer, awaitAnswer, launchServer } from '../mariadb/server-process.ts';
import { ownAccount, readClientPassword } from './account.ts';
import { readMarker } from './data-marker.ts';
import { findServer } from './find-server.ts';
import { type ManagedLayout, makeSocketFolder, managedLayout } from './layout.ts';
import { choosePort, isPortFree } from './port.ts';
import { otherServerFiles, readServerFile, type ServerFile, updateServerFile, writeServerFile } from './server-file.ts';

const longestLog = 16 * 1024 * 1024;

export interface LaunchManagedOptions {
  /** Until it answers: a crash recovery of much redo takes its time. Default 5 minutes. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface Launched {
  identity: ProcessIdentity;
  answer: 'answers' | 'denied';
  file: ServerFile;
}

/**
 * Starts the server of a managed service, or finds it running, and waits until it answers. Looks at no journal: that is
 * its callers' part. Throws `service_failed` with the errors of its log; then nothing of it runs any more.
 */
export async function launchManaged(home: Home, id: string, options: LaunchManagedOptions = {}): Promise<Launched> {
  const { timeoutMs = 300_000, signal } = options;
  const layout = managedLayout(home, id);
  let file = readServerFile(layout);
  if (!existsSync(layout.data)) {
    throw new SkybackupError('service_failed', `${id} has no data directory: ${layout.data} is missing.`, {
      hint: 'Put its data back, or forget the service and create it anew.',
    });
  }
  const login = ownLogin(layout, file);
  for (let tries = 0; ; tries += 1) {
    const running = findServer(layout, file);
    const offset = running === undefined ? rotatedLogOffset(layout) : logOffset(layout.log);
    if (running === undefined) file = await freshPort(home, id, layout, file);
    const identity = running ?? (await spawnServer(layout, file));
    file = updateServerFile(layout, { wanted: 'running', process: { ...identity, answered: false } });
    const answer = await awaitAnswer(identity, login, { timeoutMs, ...(signal === undefined ? {} : { signal }) }).catch(
      async (error: unknown) => {
        // Cancelled while it started: what we started ourselves does not stay behind half up.
        if (running === undefined) await withdraw(layout, identity);
        throw error;
      },
    );
    if (answer === 'answers' || answer === 'denied') {
      file = updateServerFile(layout, { process: { ...identity, answered: true } });
      return { identity, answer, file };
    }
    const lines = logLinesSince(layout.log, offset);
    // Between our look at the port and the server's own, somebody took it.
    const portTaken = lines.some((line) =>
      /Bind on TCP\/IP port|Do you already have another .* running on port/.test(line),
    );
    if (answer === 'gone' && portTaken && tries < 3) continue;
    throw startFailure(id, layout, identity, answer, lines);
  }
}

/** How the daemon logs in to a managed server. */
export function ownLogin(layout: ManagedLayout, file: ServerFile): Login {
  return { socket: file.socket, user: ownAccount.user, password: readClientPassword(layout.clientFile) ?? '' };
}

function startFailure(
  id: string,
  layout: ManagedLayout,
  identity: ProcessIdentity,
  answer: Answer,
  lines: readonly string[],
): SkybackupError {
  const said = sayErrors(lines);
  const words = said === '' ? 'its log names no error' : said;
  return answer === 'silent'
    ? new SkybackupError(
        'service_failed',
        `The server of ${id} (process ${identity.pid}) runs and does not answer: ${words}.`,
        {
          hint: `It may still be recovering: read ${layout.log}, wait, and look at the service again.`,
        },
      )
    : new SkybackupError('service_failed', `The server of ${id} did not start: ${words}.`, {
        hint: `Read ${layout.log}, mend the reason and start the service again.`,
      });
}

async function spawnServer(layout: ManagedLayout, file: ServerFile): Promise<ProcessIdentity> {
  mkdirSync(layout.temporary, { recursive: true, mode: 0o700 });
  makeSocketFolder(file.socket);
  rmSync(file.socket, { force: true });
  return launchServer({ args: serverArguments(layout, file), log: layout.log, cwd: layout.root });
}

/** A managed server's own options; those its files ask for come from the marker inside the data directory. */
function serverArguments(layout: ManagedLayout, file: ServerFile): string[] {
  return [
    `--datadir=${layout.data}`,
    `--socket=${file.socket}`,
    `--port=${file.port}`,
    '--bind-address=127.0.0.1',
    `--pid-file=${layout.run}/mysqld.pid`,
    `--log-error=${layout.log}`,
    `--tmpdir=${layout.temporary}`,
    `--server-id=${file.server_id}`,
    '--log-bin=binlog',
    '--binlog-format=ROW',
    '--gtid-strict-mode=1',
    '--sync-binlog=1',
    '--innodb-flush-log-at-trx-commit=1',
    '--binlog-expire-logs-seconds=604800',
    '--character-set-server=utf8mb4',
    '--skip-name-resolve',
    // Last, so that they win.
    ...fileOptionArguments(readMarker(layout.data)?.options ?? {}),
  ];
}

/** The kept port while it is free; else another, with a note that says so. */
async function freshPort(home: Home, id: string, layout: ManagedLayout, file: ServerFile): Promise<ServerFile> {
  if (await isPortFree(file.port)) {
    const { port_note: _told, ...kept } = file;
    writeServerFile(layout, kept);
    return kept;
  }
  const port = await choosePort(new Set(otherServerFiles(home, id).map((other) => other.port)));
  return updateServerFile(layout, {
    port,
    port_note: `Port ${file.port} was taken by another program, so the server now listens on ${port}.`,
  });
}

/** Where the coming start's lines begin; a log that grew long is put aside first. */
function rotatedLogOffset(layout: ManagedLayout): number {
  if (logOffset(layout.log) > longestLog) renameSync(layout.log, `${layout.log}.1`);
  return logOffset(layout.log);
}

async function withdraw(layout: ManagedLayout, identity: ProcessIdentity): Promise<void> {
  signalProcess(identity, 'SIGTERM');
  await waitUntilGone(identity, 60_000);
  if (!isAlive(identity)) updateServerFile(layout, { wanted: 'stopped', process: null });
}
