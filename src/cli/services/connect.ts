import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../client/settings.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { serviceIdOf } from '../../contract/ids.ts';
import { type Login, readLogin } from '../../engine/mariadb/login.ts';
import { findTool } from '../../engine/mariadb/tools.ts';
import { readRegisteredServices } from '../registered-services.ts';
import { exitCodes, type Terminal } from '../terminal.ts';

/** The mariadb client on a service of the local daemon, with its account; `rest` goes to the client. Returns the client's exit code. */
export async function connectToService(terminal: Terminal, id: string, rest: string[]): Promise<number> {
  const { provider, home } = readSettings(terminal.env);
  if (provider.kind !== 'local') {
    throw new SkybackupError(
      'unsupported',
      'Only services of the local daemon can be connected to: their passwords stay on its machine.',
      {
        hint: 'Run this on that machine, without SKYBACKUP_URL and SKYSQL_API_KEY.',
      },
    );
  }
  const service = (await readRegisteredServices(home)).find((each) => each.id === serviceIdOf(id));
  if (!service)
    throw new SkybackupError('not_found', `There is no service ${id}.`, { hint: 'Run: skybackup services list' });
  const options = await unlinkedFile(clientOptions(await readLogin(service.connection)));
  const client = spawn(findTool('mariadb'), ['--defaults-file=/dev/fd/3', ...rest], {
    stdio: ['inherit', 'inherit', 'inherit', options.fd],
  });
  // Ctrl-C in the client ends a query, not this program.
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  try {
    return await new Promise<number>((resolve, reject) => {
      client.once('error', reject);
      client.once('exit', (code) => resolve(code ?? exitCodes.failed));
    });
  } finally {
    process.off('SIGINT', ignore);
    await options.close();
  }
}

/** An open file that has no name any more: a password on the command line or in the environment could be read by others. */
async function unlinkedFile(text: string): Promise<FileHandle> {
  const path = join(tmpdir(), `skb-${randomUUID()}`);
  const file = await open(path, 'wx', 0o600);
  try {
    await unlink(path);
    await file.writeFile(text);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A login as an option file's text. */
export function clientOptions({ socket, host, port, user, password, tls }: Login): string {
  const values: [string, string | number | undefined][] = [
    ['socket', socket],
    ['host', host],
    ['port', port],
    // Without it the client would take a name like "localhost" for a socket elsewhere.
    ['protocol', socket === undefined ? 'tcp' : 'socket'],
    ['user', user],
    ['password', password],
    ['ssl-ca', tls?.ca],
    ['ssl-cert', tls?.cert],
    ['ssl-key', tls?.key],
  ];
  const lines = values.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${quoted(String(value))}`]));
  const verify = tls === undefined ? [] : [tls.verify ? 'ssl-verify-server-cert' : 'ssl'];
  return ['[client]', ...lines, ...verify, ''].join('\n');
}

function quoted(value: string): string {
  const escapes: Record<string, string> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  return `"${value.replace(/[\\"\n\r\t]/g, (letter) => escapes[letter] ?? letter)}"`;
}
