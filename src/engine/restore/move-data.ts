import { existsSync } from 'node:fs';
import { renameDurably } from '../managed/durable-file.ts';
import { logsAside, logsBack, logsIn, type OutsideLogs } from './binary-logs.ts';
import { inodeOf } from './journal.ts';

/** Old and new data, and the names they go by in turn. */
export interface DataMove {
  /** The data directory. */
  data: string;
  /** Where the new data are made ready. */
  fresh: string;
  /** Where the old data are kept. */
  kept: string;
  /** Empty when there were no old data. */
  oldInode: string;
  newInode: string;
  logs: OutsideLogs | undefined;
}

/** Where the two directories are now, by inode: what was done is seen, not remembered. */
export function placeOfData(move: DataMove): 'old' | 'between' | 'new' | 'unknown' {
  const data = inodeOf(move.data);
  if (data === move.newInode) return 'new';
  if (data !== '' && data === move.oldInode) return 'old';
  const freshIsNew = inodeOf(move.fresh) === move.newInode;
  if (data === '' && freshIsNew && (move.oldInode === '' || inodeOf(move.kept) === move.oldInode)) return 'between';
  return 'unknown';
}

export function moveAside({ data, kept, logs }: DataMove): void {
  if (logs !== undefined) logsAside(logs);
  if (existsSync(data)) renameDurably(data, kept);
}

/** `gtids`: what the server on the new data must know as issued. */
export function moveIn({ data, fresh, logs }: DataMove, gtids: string): void {
  if (logs !== undefined) logsIn(logs, gtids);
  renameDurably(fresh, data);
}

/** From wherever they are, the new data out and the old ones in. */
export function moveBack(move: DataMove): void {
  const place = placeOfData(move);
  if (place === 'new') renameDurably(move.data, move.fresh);
  if (place !== 'old' && move.oldInode !== '') renameDurably(move.kept, move.data);
  if (move.logs !== undefined) logsBack(move.logs);
}
