import { expect, it } from 'vitest';
import { History, type KnownLog } from './history.ts';
import { planRecovery } from './plan-recovery.ts';
import { reachOf } from './windows.ts';
import { readWish } from './wish.ts';

const log = (incarnation: string, gtidsBefore: string, gtidsAfter: string, openedAt: number): KnownLog => ({
  backupId: `logs-${incarnation}-${openedAt}`,
  name: 'binlog.000001',
  incarnation,
  gtidsBefore,
  gtidsAfter,
  openedAt,
  closedAt: openedAt + 100,
  lastEventAt: openedAt + 90,
  follows: undefined,
  gap: undefined,
});
const base = (incarnation: string, gtid: string, at: number) => ({
  id: `full-${incarnation}`,
  incarnation,
  file: 'binlog.000001',
  gtid,
  at,
  endedAt: at,
});
/** A history of three transactions in two domains, which a restore to its first one ended; the full after it holds that one alone. */
const [first, second] = [base('first', '0-1-1', 1000), base('second', '0-1-2,1-1-1', 3000)];
const logs = [log('first', '', '0-1-2,1-1-1', 900), log('second', '0-1-2,1-1-1', '0-1-3,1-1-1', 2900)];

function chosen(gtid: string, history: History, bases = [first, second]): string {
  const reaches = bases.map((each) => reachOf(each, history, undefined));
  const [plan] = planRecovery(reaches, wishFor(gtid), { history, now: 5000, subject: 'It' });
  return plan.reach.base.id;
}

function wishFor(gtid: string) {
  const wish = readWish({ gtid });
  if (wish === undefined) throw new Error('no wish');
  return wish;
}

it('goes back to a transaction by the history that it was part of, not by one that only must not issue it again', () => {
  const history = new History(logs);
  expect(chosen('1-1-1', history)).toBe('full-first');
  expect(chosen('0-1-2', history)).toBe('full-first');
  expect(chosen('0-1-3', history)).toBe('full-second');
});

it('refuses one that only the replaced server knew, where its log was never archived', () => {
  const known = new History(logs.slice(1), new Map([['second', '0-1-2,1-1-1']]));
  expect(() => chosen('1-1-1', known, [second])).toThrow('is in no archived binary log that follows on a backup');
  expect(chosen('0-1-3', known, [second])).toBe('full-second');
});
