import { checkLocalDaemonPossible, prepareHome } from '../client/daemon-home.ts';
import { readSettings } from '../client/settings.ts';
import { lockHeldExitCode, ownEntry } from '../client/start-daemon.ts';
import { version } from '../client/version.ts';
import { SkybackupError } from '../contract/errors.ts';
import type { Storage } from '../contract/storages.ts';
import { keepProgram } from './keep-program.ts';
import { exitCodes, type Terminal, UsageError } from './terminal.ts';

export interface ServeOptions {
  /** `host:port` */
  listen?: string;
  agentGroup?: string;
  startedBy: string;
  idleMinutes?: string;
  requestsPerMinute?: string;
  parallel?: string;
  rebuild?: boolean;
}

/** The daemon of this home, until a signal ends it, another version asks it to make room, or it was idle for long. */
export async function serve(terminal: Terminal, options: ServeOptions): Promise<number> {
  const { startedBy } = options;
  if (startedBy !== 'client' && startedBy !== 'person') throw new UsageError('--started-by is client or person.');
  const listen = listenAddress(options.listen);
  const idleMinutes = minutes(options.idleMinutes);
  const requestsPerMinute = wholeNumber('--requests-per-minute', options.requestsPerMinute);
  const parallel = wholeNumber('--parallel', options.parallel, 64);
  const { home, confirm, appConfirm, readOnly, services } = readSettings(withoutProviders(terminal.env));
  checkLocalDaemonPossible(home);
  await prepareHome(home);
  // Only what is built is ever cleaned away or replaced.
  const program = ownEntry();
  if (program.endsWith('.js')) keepProgram(program);
  const { serveDaemon } = await import('../daemon/serve.ts');
  const daemon = await serveDaemon({
    home,
    startedBy,
    guard: { confirm, appConfirm, readOnly, services },
    version,
    ...(listen === undefined ? {} : { listen }),
    ...(options.agentGroup === undefined ? {} : { agentGroup: options.agentGroup }),
    ...(idleMinutes === undefined ? {} : { idleMinutes }),
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(parallel === undefined ? {} : { parallel }),
    rebuild: options.rebuild ?? false,
  });
  if (!daemon.served) {
    const held = new SkybackupError('conflict', `A daemon serves ${home.root} already (pid ${daemon.pid}).`, {
      hint: 'Use that one, stop it first, or set SKYBACKUP_HOME to another folder.',
    });
    // A client that was not the first waits for the daemon that is.
    return startedBy === 'client' ? lockHeldExitCode : terminal.fail(held);
  }
  // A closed terminal is a reason to stop as good as any.
  process.on('SIGHUP', () => void daemon.stop());
  const http = listen === undefined ? undefined : `http://${listen.host}:${daemon.port}`;
  const agents = options.agentGroup === undefined ? undefined : home.agentSocket;
  const sockets = [home.socket, agents].flatMap((socket) => (socket === undefined ? [] : [`unix:${socket}`]));
  const where = [...sockets, ...(http === undefined ? [] : [http])].join(' and ');
  if (options.rebuild) terminal.note(daemon.storages.map(foundAgain));
  terminal.result(
    { socket: home.socket, agent_socket: agents, http },
    `The daemon answers on ${where}. Ctrl-C ends it.`,
  );
  await daemon.ended;
  // What still holds the process after its end (a stuck connection) must not make a stopped daemon look alive.
  setTimeout(() => process.exit(), 2000).unref();
  return exitCodes.done;
}

function foundAgain({ name, path, backups = 0, trouble }: Storage): string {
  if (trouble === undefined) return `Found again in storage ${name} (${path}): ${backups} backups.`;
  return `Storage ${name} (${path}) is out of reach, and is searched as soon as it answers: ${trouble}`;
}

/** A daemon is not a client: whose API its starter speaks to does not matter here, and must not stop it. */
function withoutProviders(env: Terminal['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^SKYSQL_|^SKYBACKUP_(URL|API_KEY)/.test(name)));
}

function listenAddress(text: string | undefined): { host: string; port: number } | undefined {
  if (text === undefined) return undefined;
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535)
    throw new UsageError(`--listen ${text} is not host:port.`, 'For example: --listen 127.0.0.1:8350');
  return { host, port: Number(port) };
}

function minutes(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0)
    throw new UsageError(`--idle-minutes ${text} is not a number of minutes.`);
  return value;
}

function wholeNumber(option: string, text: string | undefined, most = 999_999_999): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text) || Number(text) > most) {
    throw new UsageError(`${option} ${text} is not a whole number from 1 to ${most}.`);
  }
  return Number(text);
}
