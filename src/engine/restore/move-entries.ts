import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import { removeDurably, syncDirectory, writeDurably } from '../managed/durable-file.ts';
import { noSchemas } from '../mariadb/no-schemas.ts';
import { inodeOf } from './inode.ts';
import type { Mover } from './move-data.ts';

/** The schema without which no server comes up. */
const systemSchema = 'mysql';

/**
 * A mount point cannot be renamed: its entries are, one by one, on its own file system. A mark beside the kept data says
 * whether an entry of the data directory is still an old one or already a new one.
 */
export const movedAsEntries: Mover = {
  // The data directory itself stays what it is. Data without the system schema serve nobody, and are moved all the same.
  idOf: (directory) => inodeOf(join(directory, systemSchema)) || inodeOf(join(directory, 'ibdata1')),

  where({ data, fresh, kept, oldId, newId }) {
    const among = (id: string, ...places: string[]): boolean => places.some((place) => this.idOf(place) === id);
    if (!among(newId, data, fresh) || (oldId !== '' && !among(oldId, data, kept))) return 'unknown';
    if (isAllAside(kept)) return entriesOf(fresh).length === 0 ? 'new' : 'between';
    return entriesOf(kept).length === 0 ? 'old' : 'between';
  },

  aside({ data, kept }) {
    if (isAllAside(kept)) return;
    if (!existsSync(kept)) removeDurably(markOf(kept));
    makeLike(data, kept);
    moveOut(data, kept);
    writeDurably(markOf(kept), '');
  },

  in(move) {
    this.aside(move);
    moveIn(move.fresh, move.data);
  },

  back({ data, fresh, kept }) {
    if (isAllAside(kept)) {
      makeLike(data, fresh);
      moveOut(data, fresh);
      // From here on an entry of the data directory is an old one again.
      removeDurably(markOf(kept));
    }
    if (existsSync(kept)) moveIn(kept, data);
  },
};

const mark = '.all-aside';

/** Of a name of its own: within the kept data it would come back with them. */
const markOf = (kept: string): string => `${kept}${mark}`;

/** Removes the marks in a folder beside data. Only while no exchange is under way: without its mark it cannot be told. */
export function forgetMarks(beside: string): void {
  for (const name of readdirSync(beside)) if (name.endsWith(mark)) removeDurably(join(beside, name));
}

function isAllAside(kept: string): boolean {
  return existsSync(kept) && existsSync(markOf(kept));
}

/**
 * The system schema first: whatever starts the server half way meets data it refuses, and does no more than it does at any
 * start. The system tablespace among the last: a server that misses it makes a new one.
 */
function moveOut(data: string, to: string): void {
  moveAll(schemasFirst(data), data, to);
}

function moveIn(from: string, data: string): void {
  moveAll(schemasFirst(from).reverse(), from, data);
  rmSync(from, { recursive: true, force: true });
  syncDirectory(dirname(from));
}

function moveAll(names: readonly string[], from: string, to: string): void {
  for (const name of names) {
    if (existsSync(join(to, name))) throw inTheWay(join(from, name), join(to, name));
    renameSync(join(from, name), join(to, name));
  }
  for (const folder of [to, from]) if (existsSync(folder)) syncDirectory(folder);
}

function inTheWay(from: string, to: string): SkybackupError {
  return new SkybackupError('restore_failed', `${from} could not be moved: ${to} is there already.`, {
    hint: 'Something wrote into the data directory while its data were exchanged. Look which of the two is right, move the other away, and restart the daemon.',
  });
}

/** All entries but those of the mount point itself: the system schema, other folders, files. */
function schemasFirst(directory: string): string[] {
  const rank = (name: string): number => {
    if (name === systemSchema) return 0;
    return statSync(join(directory, name)).isDirectory() ? 1 : 2;
  };
  return entriesOf(directory).sort((one, other) => rank(one) - rank(other));
}

function entriesOf(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).filter((name) => !noSchemas.has(name)) : [];
}

/** Whoever may work in the data directory may do so in the folder that its entries are moved to. */
function makeLike(data: string, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, gid, mode } = statSync(data);
  chownSync(folder, uid, gid);
  chmodSync(folder, mode & 0o777);
}
