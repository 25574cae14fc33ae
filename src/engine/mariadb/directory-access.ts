import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import { noSchemas } from './no-schemas.ts';

/**
 * The first part of a data directory that this process may not read, as an error naming it; undefined when all is well.
 * Looks at every directory and, in each, at every file's directory entry and at one file of each kind.
 */
export async function unreadablePart(datadir: string): Promise<SkybackupError | undefined> {
  try {
    await checkDirectory(datadir);
    const entries = await readdir(datadir, { withFileTypes: true });
    for (const entry of entries) {
      // A backup leaves these out; lost+found is root's alone.
      if (entry.isDirectory() && !noSchemas.has(entry.name)) await checkDirectory(join(datadir, entry.name));
    }
    return undefined;
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && path === datadir) {
      return new SkybackupError(
        'wrong_data_directory',
        `The data directory ${datadir} does not exist on this machine.`,
        {
          cause: error,
        },
      );
    }
    const user = process.getuid === undefined ? '' : ` by user id ${process.getuid()}`;
    return new SkybackupError(
      'unreadable_directory',
      `${path ?? datadir} cannot be read${user} (${code ?? 'unknown'}).`,
      {
        details: { path: path ?? datadir },
        cause: error,
      },
    );
  }
}

async function checkDirectory(directory: string): Promise<void> {
  await access(directory, constants.R_OK | constants.X_OK);
  const kinds = new Set<string>();
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const kind = entry.name.replace(/^.*\./, '.');
    if (!entry.isFile() || kinds.has(kind)) continue;
    kinds.add(kind);
    await access(join(directory, entry.name), constants.R_OK).catch((error: NodeJS.ErrnoException) => {
      // Tables are dropped and logs removed at any time.
      if (error.code !== 'ENOENT') throw error;
    });
  }
}
