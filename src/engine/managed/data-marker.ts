import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeDurably } from './durable-file.ts';

/**
 * What skybackup knows about a data directory, kept inside it: it moves when the directory is renamed, and mariadb-backup
 * does not copy it. So data put back by hand have no marker, and an incremental onto them is refused.
 */
const DataMarker = z.looseObject({
  format: z.literal(1),
  service_id: z.string(),
  incarnation: z.string(),
  created_at: z.string(),
  /** Options without which these files cannot be opened: page size, data file path, … (see server-options.ts). */
  options: z.record(z.string(), z.string()),
  /** The restore that brought these data. */
  restore_id: z.number().int().optional(),
  backup_id: z.string().optional(),
});
export type DataMarker = z.infer<typeof DataMarker>;

export const markerName = 'skybackup-incarnation.json';

/** The marker of a data directory; undefined when there is none, or none that can be read. */
export function readMarker(datadir: string): DataMarker | undefined {
  const path = join(datadir, markerName);
  if (!existsSync(path)) return undefined;
  try {
    return DataMarker.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

export function writeMarker(datadir: string, marker: DataMarker): void {
  writeDurably(join(datadir, markerName), `${JSON.stringify(marker, undefined, 2)}\n`);
}
