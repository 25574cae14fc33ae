import { chmodSync, existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ownFolder } from '../mariadb/no-schemas.ts';
import type { DataPlace } from './data-place.ts';

const about = 'about.txt';
const words = `skybackup keeps here what it needs to restore this server, and for some days the data of before a restore: this directory
is a mount point, so there is no room for them beside it. "skybackup restores kept" lists them.
`;

/**
 * Makes the folder for what restores make and keep, for its owner to write into and the owner of the data to pass through.
 * In a mount point it is in a folder of ours that servers do not list, since its owner may not read it: else it would be a
 * schema to them. Others may, or the backups of those who take their own would end there; and it is not empty, or
 * mariadb-backup would note an empty schema that mbstream refuses.
 */
export function makeBeside(beside: string): void {
  if (existsSync(beside)) return;
  const own = dirname(beside);
  if (basename(own) === ownFolder) {
    mkdirSync(own, { recursive: true, mode: 0o700 });
    writeFileSync(join(own, about), words, { mode: 0o644 });
    chmodSync(own, 0o355);
  }
  mkdirSync(beside, { recursive: true, mode: 0o711 });
  // Whatever the umask says.
  chmodSync(beside, 0o711);
}

/** The folder beside the data of a server of others goes with the last that was kept in it. */
export function removeEmpty({ data, beside }: Pick<DataPlace, 'data' | 'beside'>): void {
  if (beside === dirname(data)) return;
  if (existsSync(beside)) {
    if (readdirSync(beside).length > 0) return;
    rmdirSync(beside);
  }
  const own = dirname(beside);
  if (basename(own) !== ownFolder || !existsSync(own)) return;
  rmSync(join(own, about), { force: true });
  rmdirSync(own);
}
