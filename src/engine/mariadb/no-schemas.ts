import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Of skybackup, in a data directory that is a mount point. A schema's folder cannot be called so, since a server writes `#`
 * as `@0023`; and there is no dot in it, which mariadb-backup would take for one between a schema and a table.
 */
export const ownFolder = '#skybackup';

/** Folders at the top of a data directory that hold no schema; `lost+found` is what ext4 makes at the root of a file system. */
export const noSchemas: ReadonlySet<string> = new Set([ownFolder, 'lost+found']);

/** Those of them that are in a data directory. */
export function noSchemasIn(datadir: string): string[] {
  return [...noSchemas].filter((name) => existsSync(join(datadir, name)));
}
