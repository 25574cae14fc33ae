import { existsSync } from 'node:fs';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import type { ServiceStatus } from '../../contract/status.ts';
import { logLinesSince, logOffset, sayErrors } from '../mariadb/server-log.ts';
import { listensOn, probe, stopServer } from '../mariadb/server-process.ts';
import type { ServiceRecord } from '../service.ts';
import { findServer } from './find-server.ts';
import { launchManaged, ownLogin } from './launch.ts';
import { type ManagedLayout, managedLayout } from './layout.ts';
import { readServerFile, updateServerFile } from './server-file.ts';

export { createManagedServer } from './create.ts';

/** One power operation at a time per service: a start must not overtake the stop before it. */
const turns = new Map<string, Promise<unknown>>();

async function inTurn<T>(layout: ManagedLayout, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(layout.root) ?? Promise.resolve()).then(work, work);
  turns.set(layout.root, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(layout.root) === turn) turns.delete(layout.root);
  }
}

export interface StartedServer {
  pid: number;
  port: number;
  /** What the person should know though it started: another port than before. */
  message?: string;
}

/**
 * Starts a managed server, detached from this process, and resolves once it answers; one that runs already is adopted.
 * Throws `conflict` while a restore swaps its data, `service_failed` with the errors of its log, `cancelled`.
 */
export async function startManagedServer(
  home: Home,
  service: Pick<ServiceRecord, 'id' | 'control'>,
  signal?: AbortSignal,
): Promise<StartedServer> {
  const layout = managedOnly(home, service);
  return inTurn(layout, async () => {
    refuseDuringSwap(service.id, layout);
    const before = readServerFile(layout).port;
    const { identity, file } = await launchManaged(home, service.id, signal === undefined ? {} : { signal });
    return {
      pid: identity.pid,
      port: file.port,
      ...(file.port === before || file.port_note === undefined ? {} : { message: file.port_note }),
    };
  });
}

/**
 * Stops a managed server and resolves once it is proven gone: no process, no open file in its data directory. Never
 * SIGKILL. Throws `conflict` while a restore swaps its data, `timeout` (it goes on stopping), `cancelled` (likewise).
 */
export async function stopManagedServer(
  home: Home,
  service: Pick<ServiceRecord, 'id' | 'control'>,
  signal?: AbortSignal,
  timeoutMs = 300_000,
): Promise<void> {
  const layout = managedOnly(home, service);
  return inTurn(layout, async () => {
    refuseDuringSwap(service.id, layout);
    const file = readServerFile(layout);
    const running = findServer(layout, file);
    updateServerFile(layout, { wanted: 'stopped' });
    if (running !== undefined) {
      await stopServer(running, layout.data, { timeoutMs, ...(signal === undefined ? {} : { signal }) });
    }
    updateServerFile(layout, { process: null });
  });
}

export interface ManagedStatus {
  status: ServiceStatus;
  pid?: number;
  port?: number;
  socket?: string;
  message?: string;
}

/** What the real process is doing, whoever started it and whatever we last noted. */
export async function managedStatus(home: Home, service: ServiceRecord): Promise<ManagedStatus> {
  const layout = managedOnly(home, service);
  if (!existsSync(layout.serverFile)) {
    return { status: 'failed', message: `${layout.root} holds no managed server: its server.json is missing.` };
  }
  const file = readServerFile(layout);
  const place = { socket: file.socket, port: file.port };
  const running = findServer(layout, file);
  if (running === undefined) return { ...place, ...withoutProcess(layout, file.wanted) };

  const live = { ...place, pid: running.pid };
  const answer = listensOn(running.pid, file.socket) ? await probe(ownLogin(layout, file), 3000) : 'silent';
  if (answer === 'answers') return { ...live, status: 'ready', ...note(file.port_note) };
  if (answer === 'denied') {
    return { ...live, status: 'ready', message: 'The server runs and refuses the login of skybackup.' };
  }
  if (file.wanted === 'stopped') return { ...live, status: 'pending_stop', message: 'The server is stopping.' };
  return file.process?.answered && file.process.pid === running.pid
    ? { ...live, status: 'failed', message: `The server process ${running.pid} runs and does not answer.` }
    : { ...live, status: 'pending_start', message: 'The server is starting.' };
}

function withoutProcess(layout: ManagedLayout, wanted: 'running' | 'stopped'): ManagedStatus {
  if (existsSync(layout.journal)) {
    return { status: 'pending_modifying', message: 'A restore is exchanging the data of this service.' };
  }
  if (wanted === 'stopped') return { status: 'stopped' };
  // The last lines tell a server that was told to end (the machine went down) from one that fell.
  const lines = logLinesSince(layout.log, Math.max(0, logOffset(layout.log) - 20_000));
  if (/: Shutdown complete$/.test(lines.at(-1) ?? '')) {
    return { status: 'stopped', message: 'The server was stopped from outside skybackup.' };
  }
  const said = sayErrors(lines.slice(-30));
  return {
    status: 'failed',
    message: `The server ended by itself${said === '' ? '' : `: ${said}`}. Its log is ${layout.log}.`,
  };
}

function note(message: string | undefined): { message?: string } {
  return message === undefined ? {} : { message };
}

function managedOnly(home: Home, service: Pick<ServiceRecord, 'id' | 'control'>): ManagedLayout {
  if (service.control.kind !== 'managed') {
    throw new SkybackupError(
      'unsupported',
      `${service.id} is no server of the daemon's own (${service.control.kind}).`,
      {
        hint: 'Start and stop it with the tools of its machine.',
      },
    );
  }
  return managedLayout(home, service.id);
}

function refuseDuringSwap(id: string, layout: ManagedLayout): void {
  if (!existsSync(layout.journal)) return;
  throw new SkybackupError(
    'conflict',
    `A restore is exchanging the data of ${id}: it cannot be started or stopped now.`,
    {
      hint: 'Wait for the restore to end. If none runs, restart the daemon: it finishes or reverses what was begun.',
    },
  );
}
