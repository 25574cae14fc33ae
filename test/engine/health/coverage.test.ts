import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/engine/clock.ts';
import { coverage } from '../../../src/engine/health/coverage.ts';
import { openState, type StateStore } from '../../../src/engine/store/state-store.ts';
import { objectKeyOf, sampleManifest } from '../repository/sample-manifest.ts';

const minute = 60_000;
const hour = 60 * minute;
let folder: string;
let now: number;
let state: StateStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-health-'));
  now = Date.parse('2026-11-22T12:00:00Z');
  state = openState(join(folder, 'state.db'), () => now);
  for (const id of ['orders', 'other']) register(id);
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true, force: true });
});

function register(id: string): void {
  const created_at = new Date(now).toISOString();
  const record = { id, name: id, control: { kind: 'none' as const }, connection: { socket: '/s' }, created_at };
  state.services.add({ ...record, datadir: undefined, incarnation: 'one' });
}

let count = 0;
function begin(type: string, service_id = 'orders'): string {
  count += 1;
  const id = `${count.toString(16).padStart(32, '0')}:${service_id}:${service_id}-0`;
  state.backups.begin({ id, service_id, service_name: service_id, type, method: 'mariabackup', job_id: count });
  return id;
}

function succeed(type: 'full' | 'incremental', service_id = 'orders'): string {
  const id = begin(type, service_id);
  const at = new Date(now).toISOString();
  const times = { started_at: at, ended_at: at, point_in_time: at };
  const object = { key: objectKeyOf(id, service_id), bytes: 1000, sha256: 'x', block_bytes: 1000, blocks: ['x'] };
  state.backups.publish({ ...sampleManifest(id, object), id, service_id, type, ...times });
  return id;
}

const fail = (type: string): void => state.backups.end(begin(type), 'Failed', 'The disk is full.');
const check = (id?: string) => coverage({ state, clock: { ...systemClock, now: () => now } }, id);
const ofOrders = () => check('orders').services[0];

it('finds the newest good backup of each type, and counts the runs that failed since', () => {
  state.schedules.add({
    service_id: 'orders',
    schedule: '0 * * * *',
    type: 'full',
    message: '',
    warnings: [],
    next_run_at: now + hour,
  });
  succeed('full');
  fail('full');
  now += minute;
  const newest = succeed('full');
  const small = succeed('incremental');
  succeed('full', 'other');
  now += minute;
  fail('full');
  fail('full');
  state.backups.end(begin('full'), 'Cancelled', 'Stopped.');
  expect(ofOrders()).toMatchObject({
    verdict: 'warning',
    last_good: [
      { type: 'full', backup_id: newest, age_seconds: 60, storage_bytes: expect.any(Number) },
      { type: 'incremental', backup_id: small },
    ],
    failing: [{ type: 'full', failed_runs: 2, last_error: 'The disk is full.' }],
  });
  now += minute;
  succeed('full');
  expect(ofOrders()).toMatchObject({ verdict: 'ok', failing: [] });
});

it('owes by the schedule: late after its moment, forgiven by a change of rhythm, not by a change that changes nothing', () => {
  succeed('full');
  const { id } = state.schedules.add({
    service_id: 'orders',
    schedule: '0 * * * *',
    type: 'full',
    message: '',
    warnings: [],
    next_run_at: now + hour,
  });
  now += hour + 11 * minute;
  expect(ofOrders()).toMatchObject({ verdict: 'warning', schedules: [{ id, overdue_seconds: 660 }] });
  state.schedules.change(id, { message: 'looked at' });
  now += hour;
  expect(ofOrders()).toMatchObject({ verdict: 'critical', schedules: [{ overdue_seconds: 660 + 3600 }] });
  // A run that found nothing new to save succeeds without a backup.
  state.schedules.change(id, { status: 'Succeeded' });
  expect(ofOrders()).toMatchObject({ verdict: 'ok', schedules: [{ overdue_seconds: 0 }] });
});

it('names the newest restore that worked, whose backup it was, and onto what', () => {
  const backup_id = succeed('full');
  const restore = (service_id: string, status: 'Succeeded' | 'Failed'): number => {
    const { id } = state.restores.add({
      service_id,
      service_name: service_id,
      source_service_id: 'orders',
      backup_id,
      bucket: 'file:///b',
      new_incarnation: 'two',
      job_id: 1,
      plan_id: undefined,
      message: '',
    });
    state.restores.end(id, { status, message: '' });
    return id;
  };
  restore('orders', 'Succeeded');
  const proven = restore('other', 'Succeeded');
  restore('orders', 'Failed');
  expect(ofOrders()).toMatchObject({ last_proven_restore: { restore_id: proven, backup_id, onto: 'other' } });
  expect(check('other').services[0]).not.toHaveProperty('last_proven_restore');
});

it('covers every service, or the one asked for, and knows no other', () => {
  succeed('full');
  expect(check().services.map(({ service_id, verdict }) => [service_id, verdict])).toEqual([
    ['orders', 'warning'],
    ['other', 'critical'],
  ]);
  expect(check('orders').services).toHaveLength(1);
  expect(() => check('nobody')).toThrow('nobody');
});
