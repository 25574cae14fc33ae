import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { managedStatus } from '../../engine/managed/managed-server.ts';
import { inspectServer } from '../../engine/mariadb/inspect.ts';
import { freeBytes } from '../../engine/restore/space.ts';
import type { StoredService } from '../../engine/store/services-table.ts';
import { sizeInWords } from '../../mcp/sizes-and-times.ts';
import { type Finding, failed, finding, ok, warning } from './finding.ts';

/** Whether a registered service can be backed up now, and restored: connection, rights, directory, layout, space. */
export async function serviceChecks(home: Home, service: StoredService): Promise<Finding[]> {
  const name = `service ${service.id}`;
  if (service.control.kind === 'managed') {
    const { status, message } = await managedStatus(home, service);
    if (status === 'stopped')
      return [warning(name, message ?? 'It is stopped.', `Start it: skybackup services start ${service.id}`)];
  }
  try {
    const { version, obstacles } = await inspectServer(service);
    if (obstacles.length > 0) return obstacles.map((obstacle) => judged(name, obstacle, service.datadir));
    return [
      ok(name, `MariaDB ${version} answers; its rights, data directory and layout allow full backups`),
      await finding(`space for ${service.id}`, () => space(service.id, service.datadir ?? '')),
    ];
  } catch (error) {
    return [failed(name, error)];
  }
}

/** Without a data directory there are other backups still; everything else stands in the way of what was registered. */
function judged(name: string, obstacle: SkybackupError, datadir: string | undefined): Finding {
  const chosen = datadir === undefined && obstacle.code === 'unsupported';
  return chosen ? warning(name, obstacle.message, obstacle.hint) : failed(name, obstacle);
}

/** A restore writes the new data beside the old. */
async function space(id: string, datadir: string): Promise<Finding | string> {
  const [size, free] = [await directoryBytes(datadir), freeBytes(datadir)];
  const line = `${datadir} holds ${sizeInWords(size)}, and ${sizeInWords(free)} are free beside it`;
  return free > size * 1.1
    ? line
    : warning(
        `space for ${id}`,
        `${line}: a restore needs about as much again.`,
        'Free some space, or move the data to a larger disk.',
      );
}

async function directoryBytes(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    // A running server makes and drops files all the time.
    if (entry.isFile())
      bytes += await stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      );
  }
  return bytes;
}
