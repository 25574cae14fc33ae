import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Home } from '../../contract/home.ts';
import { Connection, Control } from '../../contract/services.ts';
import { removeDurably, writeDurably } from '../managed/durable-file.ts';
import type { RestoreTarget } from './data-place.ts';

/**
 * In the home while the data of a server of others are restored: how it is stopped, started and asked, so that a daemon
 * that has lost its state can still settle what was begun. Not in the journal beside the data: commands that we run must
 * not come from a folder in which others could put something.
 */
const Note = z.strictObject({
  id: z.string(),
  control: Control,
  connection: Connection,
  datadir: z.string().optional(),
});

const pathOf = (home: Home, id: string): string => join(home.swaps, `${id}.json`);

export function noteTarget(home: Home, { id, control, connection, datadir }: RestoreTarget): void {
  if (control.kind === 'managed') return;
  mkdirSync(home.swaps, { recursive: true, mode: 0o700 });
  writeDurably(pathOf(home, id), `${JSON.stringify({ id, control, connection, datadir }, undefined, 2)}\n`);
}

export function forgetNote(home: Home, { id }: RestoreTarget): void {
  if (existsSync(home.swaps)) removeDurably(pathOf(home, id));
}

/** The targets of restores that have not been settled. */
export function notedTargets(home: Home): RestoreTarget[] {
  if (!existsSync(home.swaps)) return [];
  return readdirSync(home.swaps)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const note = Note.safeParse(JSON.parse(readFileSync(join(home.swaps, name), 'utf8')));
      return note.success ? [{ ...note.data, datadir: note.data.datadir }] : [];
    });
}
