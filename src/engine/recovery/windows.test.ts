import { expect, it } from 'vitest';
import type { Base } from './history.ts';
import { type Reach, windowsOf } from './windows.ts';

const reach = (at: number, until: number, open = false): Reach => {
  const base: Base = { id: `b${at}`, incarnation: 'i', file: 'binlog.000001', gtid: '', at, endedAt: at };
  return { base, logs: [], until, open };
};

it('are one where backups reach over one another, and end at a gap', () => {
  expect(windowsOf([reach(100, 200), reach(10, 50), reach(40, 60), reach(150, 180, true)])).toEqual([
    { from: 10, archivedTo: 60, toNow: false },
    { from: 100, archivedTo: 200, toNow: true },
  ]);
  expect(windowsOf([])).toEqual([]);
});
