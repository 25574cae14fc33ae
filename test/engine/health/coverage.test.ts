import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/contract/errors.ts';
import { homeOf } from '../../../src/contract/home.ts';
import { systemClock } from '../../../src/engine/clock.ts';
import { coverage } from '../../../src/engine/health/coverage.ts';
import { Storages } from '../../../src/engine/storages/storages.ts';
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
  const method = 'mariabackup';
  state.backups.begin({ id, service_id, service_name: service_id, type, method, job_id: count, storage: 'local' });
  return id;
}

function succeed(type: 'full' | 'incremental', service_id = 'orders'): string {
  const id = begin(type, service_id);
  const at = new Date(now).toISOString();
  const times = { started_at: at, ended_at: at, point_in_time: at };
  const object = { key: objectKeyOf(id, service_id), bytes: 1000, block_bytes: 1000, blocks: ['x'] };
  state.backups.publish({ ...sampleManifest(id, object), id, service_id, type, ...times });
  return id;
}

const fail = (type: string): void => state.backups.end(begin(type), 'Failed', 'The disk is full.');
const check = (id?: string) => {
  const clock = { ...systemClock, now: () => now };
  return coverage(
    { state, storages: new Storages({ home: homeOf({ SKYBACKUP_HOME: folder }), state, clock }), clock },
    id,
  );
};
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
      backup_type: 'full',
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

describe('a verification', () => {
  let backup_id: string;
  beforeEach(() => {
    backup_id = succeed('full');
  });
  const verify = (code: ErrorCode | undefined, checks: { quick?: boolean } = {}): number => {
    const { id } = state.verifications.add({
      service_id: 'orders',
      backup_id,
      job_id: 1,
      schedule_id: undefined,
      checks,
      message: '',
    });
    const error = code && { code, message: 'It is so.', hint: 'Mend it.' };
    const status = code === undefined ? 'Succeeded' : code === 'cancelled' ? 'Cancelled' : 'Failed';
    const recovery_ms = code === undefined && !checks.quick ? 2500 : undefined;
    state.verifications.end(id, { status, message: 'It is so.', error, recovery_ms });
    now += minute;
    return id;
  };
  const codes = () => ofOrders()?.reasons.map(({ code, level }) => `${level} ${code}`);

  it('that succeeded is a proof, with the time that recovery took; a quick one is none', () => {
    verify(undefined, { quick: true });
    expect(ofOrders()).not.toHaveProperty('last_proven_restore');
    expect(codes()).toContain('note unproven');
    const verification_id = verify(undefined);
    expect(ofOrders()?.last_proven_restore).toEqual({
      verification_id,
      backup_id,
      recovery_seconds: 2.5,
      at: '2026-11-22T12:01:00Z',
    });
    expect(codes()).not.toContain('note unproven');
  });

  it('that found a backup unsound is critical until one is proven', () => {
    verify('backup_damaged');
    expect(codes()).toContain('critical proof_failed');
    expect(ofOrders()?.verdict).toBe('critical');
    // Bytes that are whole prove no restore.
    verify(undefined, { quick: true });
    expect(codes()).toContain('critical proof_failed');
    verify(undefined);
    expect(codes()).not.toContain('critical proof_failed');
    verify('proof_failed');
    expect(ofOrders()?.reasons[0]).toMatchObject({ code: 'proof_failed', detail: 'It is so.' });
    expect(check('other').services[0]?.reasons.map(({ code }) => code)).not.toContain('proof_failed');
  });

  it('that found the stored bytes damaged is taken back by one that finds them whole', () => {
    verify('backup_damaged', { quick: true });
    expect(codes()).toContain('critical proof_failed');
    verify(undefined, { quick: true });
    expect(codes()).not.toContain('critical proof_failed');
  });

  it('that could not be done is a warning with its mend; one that was interrupted or cancelled says nothing', () => {
    verify('interrupted');
    verify('cancelled');
    expect(codes()).not.toContain('warning proof_failed');
    verify('no_space');
    verify('interrupted');
    expect(ofOrders()?.reasons).toContainEqual(
      expect.objectContaining({ level: 'warning', code: 'proof_failed', next: 'Mend it.' }),
    );
  });
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
