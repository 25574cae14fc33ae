import { spawn } from 'node:child_process';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../client/settings.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { serviceIdOf } from '../../contract/ids.ts';
import { type Login, readLogin } from '../../engine/mariadb/login.ts';
import { writeOptionFile } from '../../engine/mariadb/option-file.ts';
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
  const options = await unlinkedOptionFile(await readLogin(service.connection));
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

/** The login as an open option file that has no name any more: nothing of it can be left behind, whatever ends this program. */
async function unlinkedOptionFile(login: Login): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'skb-connect-'));
  try {
    const path = join(folder, 'client.cnf');
    await writeOptionFile(path, 'client', login);
    return await open(path, 'r');
  } finally {
    await rm(folder, { recursive: true });
  }
}
