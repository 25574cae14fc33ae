import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Plan } from '../../contract/plans.ts';
import { planLifetimeMs } from '../../plans/sqlite-plan-store.ts';
import { openState, type StateStore } from '../store/state-store.ts';
import { pinsOf } from './pins.ts';

let folder: string;
let now: number;
let state: StateStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-pins-'));
  now = Date.parse('2026-11-22T12:00:00Z');
  state = openState(join(folder, 'state.db'), () => now);
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true, force: true });
});

const id = `${'a'.repeat(32)}:orders:orders-0`;
const full = { id, type: 'full' };
const log = { id: `${'b'.repeat(32)}:orders:orders-0`, type: 'binarylog' };

function planned(more: Record<string, string> = {}): Plan {
  const facts = { title: '', service_id: 'billing', confirm_id: 'billing', lost: [], warnings: [], undo: '' };
  const action = { operation: 'restore_backup', arguments: { service_id: 'billing', id, ...more } } as const;
  return state.plans.create({ ...action, binding: 'b', facts, target_digest: 'd', requested_by: 'someone' });
}

it('a plan pins the backup that it names until it ends', () => {
  expect(pinsOf(state, 'orders')(full)).toBeUndefined();
  const { id: plan, code } = planned();
  expect(pinsOf(state, 'orders')(full)).toBe(`plan ${code} works with it`);
  expect(pinsOf(state, 'orders')(log)).toBeUndefined();
  state.plans.approve(plan, { channel: 'terminal', typed_id: 'billing' });
  expect(pinsOf(state, 'orders')(full)).toContain(code);
  state.plans.decline(plan, 'declined');
  expect(pinsOf(state, 'orders')(full)).toBeUndefined();
});

it.each(['point_in_time', 'gtid', 'before_gtid'])(
  'with a %s also the logs of the service it is of, until it expires',
  (wish) => {
    const { code } = planned({ [wish]: '…' });
    expect(pinsOf(state, 'orders')(log)).toBe(`plan ${code} may roll a backup forward with it`);
    expect(pinsOf(state, 'billing')(log)).toBeUndefined();
    now += planLifetimeMs - 1;
    expect(pinsOf(state, 'orders')(log)).toBeDefined();
    now += 1;
    expect(pinsOf(state, 'orders')(log)).toBeUndefined();
    expect(pinsOf(state, 'orders')(full)).toBeUndefined();
  },
);

it('a job pins what it works with', () => {
  state.jobs.reserve({ kind: 'verify', service_id: 'orders', lanes: ['verify'], backup_id: id });
  expect(pinsOf(state, 'orders')(full)).toBe('job 1 works with it');
  expect(pinsOf(state, 'orders')(log)).toBe('job 1 may roll a backup forward with it');
});
