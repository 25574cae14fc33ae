import { existsSync } from 'node:fs';
import { renameDurably } from '../managed/durable-file.ts';
import { inodeOf } from './inode.ts';
import type { Mover } from './move-data.ts';

/** The data directory is renamed as a whole: two renames, and each directory is known by its inode. */
export const movedAsDirectory: Mover = {
  idOf: inodeOf,

  where({ data, fresh, kept, oldId, newId }) {
    const there = inodeOf(data);
    if (there === newId) return 'new';
    if (there !== '' && there === oldId) return 'old';
    const freshIsNew = inodeOf(fresh) === newId;
    if (there === '' && freshIsNew && (oldId === '' || inodeOf(kept) === oldId)) return 'between';
    return 'unknown';
  },

  aside({ data, kept }) {
    if (existsSync(data)) renameDurably(data, kept);
  },

  in: ({ data, fresh }) => renameDurably(fresh, data),

  back(move) {
    const where = this.where(move);
    if (where === 'new') renameDurably(move.data, move.fresh);
    if (where !== 'old' && move.oldId !== '') renameDurably(move.kept, move.data);
  },
};
