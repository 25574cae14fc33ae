import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../contract/errors.ts';
import { connect, connectWith } from '../mariadb/connect.ts';
import { type Login, readLogin } from '../mariadb/login.ts';
import { identify, type ProcessIdentity, processesWorkingIn, waitUntilGone } from '../mariadb/process-identity.ts';
import { serverProcess } from '../mariadb/server-identity.ts';
import { listensOn, listensOnPort, proveUnused } from '../mariadb/server-process.ts';
import { findTool } from '../mariadb/tools.ts';
import { checkKnownServer } from '../services/known-server.ts';
import type { StoredService } from '../store/services-table.ts';

/** What is there of a server that was registered from outside. Without a data directory on this machine, its address is all there is to see. */
export interface SeenServer {
  process: ProcessIdentity | undefined;
  /** It answers, and is this server; `denied`: it answers and refuses our login, which is up. */
  answer: 'answers' | 'denied' | 'silent';
}

export type PoweredService = Pick<StoredService, 'id' | 'connection' | 'datadir' | 'server'>;

/**
 * Looks for the server: who answers on its connection must be it, by its working directory and this very connection; else
 * whichever mariadbd works in its data directory. Throws `wrong_data_directory`, `wrong_server` when another one answers.
 */
export async function seeServer(service: PoweredService, signal?: AbortSignal): Promise<SeenServer> {
  const { datadir } = service;
  if (datadir !== undefined && !existsSync(datadir)) {
    throw new SkybackupError('wrong_data_directory', `The data directory ${datadir} of ${service.id} does not exist.`, {
      hint: 'Put the data back, or forget the service and register it anew.',
    });
  }
  const login = await readLogin(service.connection, signal);
  try {
    const server = await connectWith(login, { timeoutMs: 5000, ...(signal === undefined ? {} : { signal }) });
    try {
      if (datadir === undefined) {
        await checkKnownServer(service, server);
        return { process: undefined, answer: 'answers' };
      }
      const rows = await server.query<{ Variable_name: string; Value: string }>(
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('datadir', 'socket', 'port')",
      );
      const variables = Object.fromEntries(rows.map((row) => [row.Variable_name, row.Value]));
      return { process: identify(await serverProcess(server, variables, datadir)), answer: 'answers' };
    } finally {
      await server.close();
    }
  } catch (error) {
    if (!(error instanceof SkybackupError)) throw error;
    if (error.code !== 'service_down' && error.code !== 'access_denied') throw error;
    const denied = error.code === 'access_denied';
    if (datadir === undefined) {
      // Who refuses us by the address alone may be anyone.
      if (denied) throw error;
      return { process: undefined, answer: 'silent' };
    }
    const process = serverIn(datadir);
    // Whoever refuses the login may be another server at that address.
    const own = denied && process !== undefined && listensAt(process.pid, login);
    return { process, answer: own ? 'denied' : 'silent' };
  }
}

/** Whichever mariadbd works in the directory, answering or not. */
export function serverIn(datadir: string): ProcessIdentity | undefined {
  return existsSync(datadir) ? processesWorkingIn(datadir, findTool('mariadbd'))[0] : undefined;
}

function listensAt(pid: number, login: Login): boolean {
  return login.socket === undefined ? listensOnPort(pid, login.port ?? 3306) : listensOn(pid, login.socket);
}

/** A command may return while the server takes its last steps. */
const lastStepsMs = 2000;

/** Whether what was seen before has gone, or is just going. */
export async function hasGone(service: PoweredService, seen: SeenServer, signal?: AbortSignal): Promise<boolean> {
  if (seen.process !== undefined) return waitUntilGone(seen.process, lastStepsMs, signal);
  if (service.datadir !== undefined) return (await seeServer(service, signal)).process === undefined;
  return !(await takesConnections(service, signal));
}

/**
 * Proves that a server that was asked to stop did: its process is gone and nobody has a file of its data directory open;
 * without a data directory here, nothing answers at its address any more. Throws `timeout`, `conflict`.
 */
export async function proveStopped(
  service: PoweredService,
  seen: SeenServer,
  options: { timeoutMs: number; signal?: AbortSignal | undefined; asked: string },
): Promise<void> {
  const { timeoutMs, signal, asked } = options;
  const late = (what: string): SkybackupError =>
    new SkybackupError('timeout', `${asked}, and ${what} after ${Math.round(timeoutMs / 1000)} s.`, {
      hint: 'Nothing was killed. It may be writing much to disk, or hang: read its log, and wait until it is gone.',
    });
  if (service.datadir !== undefined) {
    const { process } = seen;
    if (process !== undefined && !(await waitUntilGone(process, timeoutMs, signal))) {
      throw late(`the server (process ${process.pid}) still runs`);
    }
    return proveUnused(service.datadir);
  }
  const deadline = Date.now() + timeoutMs;
  while (await takesConnections(service, signal)) {
    if (Date.now() >= deadline) throw late('a server still answers at its address');
    await delay(100, undefined, signal === undefined ? {} : { signal });
  }
}

async function takesConnections(service: PoweredService, signal?: AbortSignal): Promise<boolean> {
  try {
    const options = { timeoutMs: 5000, ...(signal === undefined ? {} : { signal }) };
    await (await connect(service.connection, options)).close();
    return true;
  } catch (error) {
    if (error instanceof SkybackupError && error.code === 'service_down') return false;
    if (error instanceof SkybackupError && error.code === 'access_denied') return true;
    throw error;
  }
}
