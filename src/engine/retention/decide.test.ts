import { describe, expect, it } from 'vitest';
import { RetentionPolicy } from '../../contract/retention.ts';
import type { KnownLog } from '../recovery/history.ts';
import type { Reach } from '../recovery/windows.ts';
import { type Decision, decide } from './decide.ts';
import type { BackupFamily, RetainedBackup } from './retained-backup.ts';

const day = 24 * 3_600_000;
const now = Date.parse('2026-11-22T12:00:00Z');

function backup(id: string, daysAgo: number, more: Partial<RetainedBackup> = {}): RetainedBackup {
  const to = now - daysAgo * day;
  return { id, type: 'full', state: 'good', parent: undefined, incarnation: 'i', to, bytes: 100, ...more };
}
const incremental = (id: string, daysAgo: number, parent: string): RetainedBackup =>
  backup(id, daysAgo, { type: 'incremental', parent });
const logs = (id: string, daysAgo: number): RetainedBackup => backup(id, daysAgo, { type: 'binarylog' });

interface Setting {
  families?: BackupFamily[];
  /** What may be rolled forward, and by which backups of logs; the last of them all reaches to now. */
  reaches?: Reach[];
}

function run(backups: RetainedBackup[], policy: RetentionPolicy, { families = [], reaches = [] }: Setting = {}) {
  const { decisions, warnings } = decide({ backups, policy: RetentionPolicy.parse(policy), now, families, reaches });
  const reasons = Object.fromEntries(decisions.map((decision) => [decision.backup.id, decision.reason]));
  return { kept: keptOf(decisions), reasons, warnings };
}
const keptOf = (decisions: readonly Decision[]): string[] =>
  decisions.filter(({ keep }) => keep).map((decision) => decision.backup.id);

describe('the policy', () => {
  it('of nothing keeps everything', () => {
    expect(run([backup('a', 4000), backup('b', 1)], {}).kept).toEqual(['a', 'b']);
  });

  it('by age lets go what is older, and says so', () => {
    const { kept, reasons } = run([backup('a', 7.1), backup('b', 6.9), backup('c', 1)], { max_age: '7d' });
    expect(kept).toEqual(['b', 'c']);
    expect(reasons).toEqual({
      a: 'it is older than 7d',
      b: 'it is within 7d',
      c: 'it is the last good backup of the service',
    });
  });

  it('by counts keeps the newest of each span, and nothing else', () => {
    // Twice a day for 100 days.
    const all = Array.from({ length: 200 }, (_, i) => backup(String(i), i / 2));
    const { kept, reasons } = run(all, { keep_last: 3, daily: 4, weekly: 3, monthly: 2, yearly: 5 });
    // 22 November 2026 is a Sunday: weeks end with it.
    const dates = kept.map((id) => new Date(now - (Number(id) / 2) * day).toISOString().slice(0, 13));
    expect(dates).toEqual([
      '2026-11-22T12', // last, daily, weekly, monthly, yearly
      '2026-11-22T00', // last
      '2026-11-21T12', // last, daily
      '2026-11-20T12', // daily
      '2026-11-19T12', // daily
      '2026-11-15T12', // weekly
      '2026-11-08T12', // weekly
      '2026-10-31T12', // monthly
    ]);
    expect(reasons[kept[7] ?? '']).toBe('it is the newest of 2026-10 (monthly 2)');
    expect(reasons['10']).toBe('no count of the policy wants it');
  });

  it('counts chains and dumps apart', () => {
    const dump = (id: string, daysAgo: number) => backup(id, daysAgo, { type: 'dump' });
    expect(run([backup('f1', 4), dump('d1', 3), backup('f2', 2), dump('d2', 1)], { keep_last: 1 }).kept).toEqual([
      'f2',
      'd2',
    ]);
  });

  it('by size lets the oldest go, chains from their end', () => {
    const all = [backup('f1', 9), incremental('i1', 8, 'f1'), backup('f2', 7), incremental('i2', 1, 'f2')];
    expect(run(all, { max_size: '400B' }).kept).toHaveLength(4);
    expect(run(all, { max_size: '300B' }).kept).toEqual(['f1', 'f2', 'i2']);
    expect(run(all, { max_size: '200B' }).kept).toEqual(['f2', 'i2']);
    const forced = run(all, { max_size: '100B' });
    expect(forced.kept).toEqual(['f2', 'i2']);
    expect(forced.warnings.join()).toContain('200 bytes, more than 100B');
  });

  it('lets the records of failed tries go, which never stand for a good backup', () => {
    const failed = (id: string, daysAgo: number) => backup(id, daysAgo, { state: 'failed', bytes: 0 });
    expect(run([backup('a', 40), failed('x', 31), failed('y', 8), failed('z', 1)], {}).kept).toEqual(['a', 'y', 'z']);
    expect(run([backup('a', 40), failed('y', 8), failed('z', 1)], { max_age: '7d' }).kept).toEqual(['a', 'z']);
  });
});

describe('never', () => {
  it('the last good backup, however old; a broken chain is not good', () => {
    const broken = incremental('i', 1, 'gone');
    const { kept, reasons } = run([backup('a', 900), broken], { max_age: '2h' });
    expect(kept).toEqual(['a']);
    expect(reasons.a).toBe('it is the last good backup of the service');
  });

  it('the last of each kind that is still taken: the next one builds on it', () => {
    const all = [backup('f', 30), backup('d', 20, { type: 'dump' }), logs('l', 10), backup('d2', 1, { type: 'dump' })];
    expect(run(all, { max_age: '7d' }).kept).toEqual(['d2']);
    expect(run(all, { max_age: '7d' }, { families: ['physical', 'binarylog'] }).kept).toEqual(['f', 'l', 'd2']);
  });

  it('what a backup that stays builds on, over any number of steps', () => {
    const all = [backup('f', 12), incremental('i1', 10, 'f'), incremental('i2', 3, 'i1'), backup('g', 1)];
    const { kept, reasons } = run(all, { max_age: '7d' });
    expect(kept).toEqual(['f', 'i1', 'i2', 'g']);
    expect(reasons).toMatchObject({ f: 'i2 builds on it', i1: 'i2 builds on it' });
  });

  it('what is being taken, or is in use', () => {
    const all = [backup('r', 30, { state: 'running' }), backup('p', 30, { pinned: 'job 3 reads it' }), backup('g', 1)];
    expect(run(all, { max_age: '7d' }).kept).toEqual(['r', 'p', 'g']);
  });
});

/** Of these backups the bases, each with the logs that come after it, up to the newest. */
function reachesAmong(backups: RetainedBackup[], open = true): Reach[] {
  const archived = backups.filter(({ type }) => type === 'binarylog');
  return backups
    .filter(({ type }) => type !== 'binarylog')
    .map(({ id, to, incarnation = '' }) => {
      const after = archived.filter((each) => each.to >= to && each.incarnation === incarnation);
      const base = { id, incarnation, file: '', gtid: '', at: to, endedAt: to };
      return { base, logs: after.map(logOf), until: after.at(-1)?.to ?? to, open };
    });
}
function logOf({ id, to, incarnation = '' }: RetainedBackup): KnownLog {
  const times = { openedAt: to, closedAt: to, lastEventAt: to };
  const names = { gtidsBefore: '', gtidsAfter: '', follows: undefined, gap: undefined };
  return { backupId: id, name: id, incarnation, ...times, ...names };
}

describe('binary logs and the recovery window', () => {
  const weekly = [backup('f1', 15), logs('l14', 14), logs('l9', 9), backup('f2', 8), logs('l6', 6), logs('l1', 1)];
  const reaches = reachesAmong(weekly);

  it('the window keeps the newest backup of before it, and the logs since', () => {
    const { kept, reasons } = run(weekly, { max_age: '7d' }, { reaches });
    expect(kept).toEqual(['f2', 'l6', 'l1']);
    expect(reasons).toMatchObject({
      f2: 'it is the last good backup of the service',
      l6: 'the recovery window needs its binary logs',
    });
    const longer = run(weekly, { keep_last: 1, recovery_window: '10d' }, { reaches });
    expect(longer.kept).toEqual(['f1', 'l14', 'l9', 'f2', 'l6', 'l1']);
  });

  it('a backup that no logs may be rolled forward over does not begin it', () => {
    const unfit = [...weekly, backup('d', 7.5, { type: 'dump' }), backup('f3', 0.1)];
    const { kept, reasons } = run(unfit, { keep_last: 1, recovery_window: '7d' }, { reaches });
    expect(kept).toEqual(['f2', 'l6', 'l1', 'd', 'f3']);
    expect(reasons.f2).toBe('the recovery window begins with it');
  });

  it('the size does not cut into the window', () => {
    const all = [...weekly, backup('f3', 0.5), backup('f4', 0.1)];
    const { kept, warnings } = run(all, { max_age: '7d', max_size: '150B' }, { reaches: reachesAmong(all) });
    expect(kept).toEqual(['f2', 'l6', 'l1', 'f4']);
    expect(warnings).toHaveLength(1);
  });

  it('none is promised with a window of nothing, and logs that no backup needs go', () => {
    const all = [...weekly, backup('f3', 0.5)];
    const setting = { reaches: reachesAmong(all) };
    expect(run(all, { max_age: '7d', recovery_window: '0d' }, setting).kept).toEqual(['f3']);
    expect(run(all, { keep_last: 2 }, setting).kept).toEqual(['f2', 'l6', 'l1', 'f3']);
  });

  it('another incarnation is another story, and has a window of its own', () => {
    const before = weekly.map((each) => ({
      ...each,
      id: `${each.id}-before`,
      incarnation: 'h',
      to: each.to - 2 * day,
    }));
    const setting = { reaches: [...reachesAmong(before, false), ...reachesAmong(weekly)] };
    const { kept } = run([...before, ...weekly], { keep_last: 1, recovery_window: '9d' }, setting);
    // Of the one before, up to where its logs end; of the present one, from its first backup on.
    expect(kept).toEqual(['f2-before', 'l6-before', 'l1-before', 'f1', 'l14', 'l9', 'f2', 'l6', 'l1']);
  });

  it('after a gap the window begins again with the first backup behind it', () => {
    const one = [backup('f1', 9), logs('l1', 7), backup('f2', 5.5)];
    const two = [backup('f3', 4.5), backup('f4', 4), logs('l2', 3), logs('l3', 1), backup('f5', 0.5)];
    const setting = { reaches: [...reachesAmong(one, false).slice(0, 1), ...reachesAmong(two)] };
    const { kept } = run([...one, ...two], { keep_last: 1, recovery_window: '8d' }, setting);
    expect(kept).toEqual(['f1', 'l1', 'f3', 'l2', 'l3', 'f5']);
  });
});
