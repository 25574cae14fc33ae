import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { SkybackupError } from '../../contract/errors.ts';
import { registerSecret } from '../../contract/redact.ts';
import type { Connection } from '../../contract/services.ts';
import { runCommand } from './command.ts';
import { findTool } from './tools.ts';

/** Everything needed to log in, its password read from where the service says. Keep it in memory only. */
export interface Login {
  socket?: string;
  host?: string;
  port?: number;
  user: string;
  password: string;
  tls?: { ca?: string; cert?: string; key?: string; verify: boolean };
}

/** Resolves a service's connection: password file or defaults file read, secrets registered for redaction. */
export async function readLogin(connection: Connection, signal?: AbortSignal): Promise<Login> {
  const options =
    connection.defaults_file === undefined
      ? new Map<string, string>()
      : await readDefaults(connection.defaults_file, signal);
  const password =
    connection.password_file === undefined
      ? (options.get('password') ?? '')
      : (await readSecretFile(connection.password_file, 'password file')).replace(/\r?\n$/, '');
  registerSecret(password);

  // What the service says itself wins over its defaults file; a socket wins over a host, as with the server's own tools.
  const socket = connection.socket ?? (connection.host === undefined ? options.get('socket') : undefined);
  const host = connection.host ?? options.get('host');
  const port = connection.port ?? numberOf(options.get('port'));
  const tls = tlsOf(options);
  return {
    ...(socket === undefined ? { host: host ?? '127.0.0.1', ...(port === undefined ? {} : { port }) } : { socket }),
    user: connection.user ?? options.get('user') ?? userInfo().username,
    password,
    ...(tls === undefined ? {} : { tls }),
  };
}

/** How the login is called in messages: `root at /run/mysqld/mysqld.sock`, `backup at db1:3306`. */
export function describeLogin(login: Login): string {
  return `${login.user} at ${login.socket ?? `${login.host ?? '127.0.0.1'}:${login.port ?? 3306}`}`;
}

/** Option files have includes, quoting and escapes of their own: the server's own reader reads them. */
async function readDefaults(file: string, signal?: AbortSignal): Promise<Map<string, string>> {
  await readSecretFile(file, 'defaults file');
  const groups = ['client', 'client-server', 'client-mariadb'];
  const { stdout } = await runCommand(
    { path: findTool('my_print_defaults'), args: [`--defaults-file=${file}`, ...groups] },
    signal === undefined ? {} : { signal },
  );
  const options = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/.exec(line) ?? [];
    if (name !== undefined) options.set(name.replaceAll('_', '-'), value ?? '');
  }
  return options;
}

async function readSecretFile(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new SkybackupError('access_denied', `The ${what} ${path} cannot be read (${code}).`, {
      hint: `Make the ${what} readable for the daemon's user, or register the service with another one.`,
      cause: error,
    });
  }
}

function tlsOf(options: Map<string, string>): Login['tls'] {
  const [ca, cert, key] = [options.get('ssl-ca'), options.get('ssl-cert'), options.get('ssl-key')];
  const wanted = ca ?? cert ?? key ?? (isOn(options.get('ssl')) ? '' : undefined);
  if (wanted === undefined) return undefined;
  return {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    verify: isOn(options.get('ssl-verify-server-cert')),
  };
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && !/^(0|off|false)$/i.test(value);
}

function numberOf(text: string | undefined): number | undefined {
  const number = Number(text);
  return text !== undefined && Number.isInteger(number) && number > 0 ? number : undefined;
}
