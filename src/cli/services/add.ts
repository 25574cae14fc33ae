import { isAbsolute, resolve } from 'node:path';
import { type Control, RegisterServiceRequest } from '../../contract/services.ts';
import { exitCodes, type Terminal, UsageError } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

export interface AddOptions {
  name?: string;
  managed?: boolean;
  socket?: string;
  host?: string;
  port?: string;
  user?: string;
  passwordFile?: string;
  defaultsFile?: string;
  datadir?: string;
  systemd?: string;
  stopCommand?: string;
  startCommand?: string;
  /** False with --no-nightly. */
  nightly: boolean;
}

/** Registers a server with the daemon, or has it make an empty one. */
export function addService(terminal: Terminal, id: string, options: AddOptions): Promise<number> {
  return withApi(terminal, async (api, settings) => {
    const daemon = daemonOf(api, 'Adding a service');
    // Paths are the daemon's: only the local one shares this folder.
    const request = registration(id, options, settings.provider.kind === 'local' ? process.cwd() : undefined);
    const service = await daemon.registerService(request);
    const { items: schedules } = await api.listSchedules({ service_id: service.id });
    const nightly = schedules.map((each) => `Schedule ${each.id} takes a ${each.type} backup: ${each.schedule} (UTC).`);
    const bare = 'Nothing backs it up by itself yet: create a schedule, or ask your assistant to.';
    terminal.result({ service, schedules }, [
      `Service ${service.id} is registered: ${service.status}, MariaDB ${service.version ?? 'of unknown version'}.`,
      ...(service.message ? [service.message] : []),
      ...(nightly.length > 0 ? nightly : [bare]),
    ]);
    return exitCodes.done;
  });
}

/** The request that the options mean. `folder` is what relative paths start from; without it they are refused. */
export function registration(id: string, options: AddOptions, folder: string | undefined): RegisterServiceRequest {
  const { name, managed, user, host, systemd, stopCommand, startCommand } = options;
  const path = (flag: string, value: string | undefined): string | undefined => {
    if (value === undefined || isAbsolute(value)) return value;
    if (folder === undefined)
      throw new UsageError(`--${flag} ${value} is not an absolute path on the daemon's machine.`);
    return resolve(folder, value);
  };
  const connection = {
    socket: path('socket', options.socket),
    host,
    port: portOf(options.port),
    user,
    password_file: path('password-file', options.passwordFile),
    defaults_file: path('defaults-file', options.defaultsFile),
  };
  const given = Object.values(connection).some((value) => value !== undefined);
  if (managed && (given || options.datadir || systemd || stopCommand || startCommand)) {
    throw new UsageError(
      "--managed makes a server of the daemon's own: it takes no connection, data directory or commands.",
    );
  }
  if (!managed && !given) {
    throw new UsageError(
      'Say how the server is reached, or that a new one is wanted.',
      'Give --socket, --host or --defaults-file; or --managed for an empty server.',
    );
  }
  if (connection.port !== undefined && host === undefined && connection.socket === undefined)
    connection.host = '127.0.0.1';
  const request = RegisterServiceRequest.safeParse({
    id,
    name,
    control: controlOf(options),
    connection: managed ? undefined : connection,
    datadir: path('datadir', options.datadir),
    ...(options.nightly ? {} : { nightly: false }),
  });
  if (request.success) return request.data;
  const [issue] = request.error.issues;
  throw new UsageError(`${issue?.path.join('.') || 'The service'}: ${issue?.message ?? 'not valid'}.`);
}

function controlOf({ managed, systemd, stopCommand: stop, startCommand: start }: AddOptions): Control {
  if (managed) return { kind: 'managed' };
  if ((stop === undefined) !== (start === undefined))
    throw new UsageError('--stop-command and --start-command belong together.');
  if (systemd !== undefined && stop !== undefined) throw new UsageError('Give either --systemd or the two commands.');
  if (systemd !== undefined) return { kind: 'systemd', unit: systemd };
  return stop !== undefined && start !== undefined ? { kind: 'command', stop, start } : { kind: 'none' };
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`--port ${text} is not a port.`);
  return Number(text);
}
