import { logsAside, logsBack, logsIn, type OutsideLogs } from './binary-logs.ts';
import type { DataPlace, MovedBy } from './data-place.ts';
import { movedAsDirectory } from './move-directory.ts';
import { forgetMarks, movedAsEntries } from './move-entries.ts';

/** Old and new data, and the names they go by in turn. */
export interface DataMove {
  by: MovedBy;
  /** The data directory. */
  data: string;
  /** Where the new data are made ready. */
  fresh: string;
  /** Where the old data are kept. */
  kept: string;
  /** What the old data are known by; empty when there were none. */
  oldId: string;
  newId: string;
  logs: OutsideLogs | undefined;
}

/** `between`: some of the old data are aside, or some of the new ones in. */
export type WhereDataAre = 'old' | 'between' | 'new' | 'unknown';

/** A way to exchange data by renaming. Each step can be repeated, whatever of it had been done. */
export interface Mover {
  /** What data are known by wherever they lie; empty when there are none. */
  idOf(directory: string): string;
  /** What was done is seen, not remembered. */
  where(move: DataMove): WhereDataAre;
  aside(move: DataMove): void;
  in(move: DataMove): void;
  /** From wherever they are, the new data out and the old ones in. */
  back(move: DataMove): void;
}

const movers: Record<MovedBy, Mover> = { directory: movedAsDirectory, entries: movedAsEntries };

export function idOfData(directory: string, by: MovedBy): string {
  return movers[by].idOf(directory);
}

export function placeOfData(move: DataMove): WhereDataAre {
  return movers[move.by].where(move);
}

export function moveAside(move: DataMove): void {
  if (move.logs !== undefined) logsAside(move.logs);
  movers[move.by].aside(move);
}

/** `gtids`: what the server on the new data must know as issued. */
export function moveIn(move: DataMove, gtids: string): void {
  if (move.logs !== undefined) logsIn(move.logs, gtids);
  movers[move.by].in(move);
}

export function moveBack(move: DataMove): void {
  movers[move.by].back(move);
  if (move.logs !== undefined) logsBack(move.logs);
}

/** Removes what exchanges noted for themselves, once none is under way. */
export function forgetMoves({ beside }: Pick<DataPlace, 'beside'>): void {
  forgetMarks(beside);
}
