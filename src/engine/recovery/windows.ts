import { parseLogName } from '../binlog/log-name.ts';
import { type Base, coveredUntil, type History, type KnownLog, keyOf } from './history.ts';

/** Where logs of a service may still be archived: its present incarnation, and the log after which they would go on. */
export interface Live {
  incarnation: string;
  /** Of the newest archived log of that incarnation; undefined without any. */
  newest: string | undefined;
}

/** A span of time of which every moment can be restored. Milliseconds since the epoch. */
export interface Window {
  from: number;
  /** What is archived reaches to here. */
  archivedTo: number;
  /** It goes on to now, once what was written since is archived. */
  toNow: boolean;
}

/** One backup and the logs after it. */
export interface Reach {
  base: Base;
  logs: KnownLog[];
  /** What is archived reaches to here. */
  until: number;
  /** The server may have more. */
  open: boolean;
}

/** How far a backup can be rolled forward. One without logs reaches its own moment alone. */
export function reachOf(base: Base, history: History, live: Live | undefined): Reach {
  const logs = history.since(base);
  const last = logs.at(-1);
  const ofLive = live !== undefined && base.incarnation === live.incarnation;
  return {
    base,
    logs,
    until: Math.max(base.at, coveredUntil(logs) ?? base.at),
    // Its log may be the one that is being written; whether it still is, archiving it will tell.
    open: ofLive && (last === undefined ? isNewer(base, history, live) : keyOf(last) === live.newest),
  };
}

/** The backup stands in a log that comes after the newest archived one: it is still to come. */
function isNewer(base: Base, history: History, live: Live): boolean {
  const newest = history.logs.find((log) => keyOf(log) === live.newest);
  if (newest === undefined || base.endedAt >= (coveredUntil([newest]) ?? 0)) return true;
  const [own, last] = [parseLogName(base.file), parseLogName(newest.name)];
  return own !== undefined && own.base === last?.base && own.number > last.number;
}

/** The windows of a service, the oldest first; what touches is one. */
export function windowsOf(reaches: readonly Reach[]): Window[] {
  const windows: Window[] = [];
  for (const { base, until, open } of reaches.toSorted((a, b) => a.base.at - b.base.at)) {
    const last = windows.at(-1);
    if (last === undefined || base.at > last.archivedTo) {
      windows.push({ from: base.at, archivedTo: until, toNow: open });
      continue;
    }
    last.archivedTo = Math.max(last.archivedTo, until);
    last.toNow ||= open;
  }
  return windows;
}
