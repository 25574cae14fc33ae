import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { backupIdOf, objectKeyOf, sampleManifest } from '../../../test/engine/repository/sample-manifest.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { lanes } from './jobs-table.ts';
import { migrations } from './migrations.ts';
import { openState, type StateStore } from './state-store.ts';

let folder: string;
let file: string;
let state: StateStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-state-'));
  file = join(folder, 'state.db');
  state = openState(file);
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true, force: true });
});

const full = { kind: 'full', service_id: 'orders', lanes: ['data'] as const };

it("is its owner's alone, and the same instance when opened again", () => {
  for (const name of [file, `${file}-wal`]) expect(statSync(name).mode & 0o777).toBe(0o600);
  const { instance } = state;
  state.close();
  state = openState(file);
  expect(state.instance).toBe(instance);
});

it('refuses a state that a newer skybackup wrote, and leaves it as it is', () => {
  state.close();
  const db = new DatabaseSync(file);
  db.exec('PRAGMA user_version = 99');
  db.close();
  const before = readFileSync(file);
  expect(() => openState(file)).toThrow(/newer skybackup/);
  expect(readFileSync(file).equals(before)).toBe(true);
  const again = new DatabaseSync(file);
  again.exec(`PRAGMA user_version = ${migrations.length}`);
  again.close();
  state = openState(file);
});

it('gives a lane of a service to one job at a time, also across two connections', () => {
  const other = openState(file);
  try {
    const first = state.jobs.reserve(full);
    expect(first).toHaveProperty('reserved');
    const second = other.jobs.reserve(full);
    expect(second).toMatchObject({ busy: { id: 'reserved' in first ? first.reserved.id : 0, kind: 'full' } });
    expect(other.jobs.reserve({ ...full, lanes: ['binlog'] })).toHaveProperty('reserved');
    expect(other.jobs.reserve({ ...full, service_id: 'billing' })).toHaveProperty('reserved');
    expect(other.jobs.reserve({ kind: 'restore', service_id: 'orders', lanes })).toHaveProperty('busy');
  } finally {
    other.close();
  }
});

it('holds the lanes by the database itself, whatever the code above it checked', () => {
  state.jobs.reserve(full);
  const db = new DatabaseSync(file);
  try {
    db.exec(
      "INSERT INTO jobs (kind, service_id, lane, status, fence, created_at) VALUES ('x', 'orders', 'data', 'Running', 9, 0)",
    );
    const insert =
      "INSERT INTO job_lanes (job_id, service_id, lane, active) VALUES (last_insert_rowid(), 'orders', 'data', 1)";
    expect(() => db.exec(insert)).toThrow(/UNIQUE/);
  } finally {
    db.close();
  }
});

it('frees the lanes at the end of a job, once, and when a reservation is abandoned', () => {
  const first = state.jobs.reserve(full);
  if (!('reserved' in first)) throw new Error('not reserved');
  state.jobs.start(first.reserved.id);
  expect(state.jobs.end(first.reserved.id, { status: 'Failed', message: 'no' })).toBe(true);
  expect(state.jobs.end(first.reserved.id, { status: 'Succeeded', message: 'late' })).toBe(false);
  expect(state.jobs.get(first.reserved.id)?.status).toBe('Failed');
  const second = state.jobs.reserve(full);
  if (!('reserved' in second)) throw new Error('not reserved');
  state.jobs.abandon(second.reserved.id);
  expect(state.jobs.get(second.reserved.id)).toBeUndefined();
  expect(state.jobs.reserve(full)).toHaveProperty('reserved');
});

it('lets a worker publish only while its job runs with its own fencing number', () => {
  const first = state.jobs.reserve(full);
  if (!('reserved' in first)) throw new Error('not reserved');
  const { id, fence } = first.reserved;
  expect(state.jobs.holdsLease(id, fence)).toBe(false);
  state.jobs.start(id);
  expect(state.jobs.holdsLease(id, fence)).toBe(true);
  expect(state.jobs.holdsLease(id, fence - 1)).toBe(false);
  state.jobs.end(id, { status: 'Failed', message: 'given up for dead' });
  expect(state.jobs.holdsLease(id, fence)).toBe(false);
  const second = state.jobs.reserve(full);
  expect('reserved' in second && second.reserved.fence).toBeGreaterThan(fence);
});

it('keeps the audit as it was written', () => {
  state.audit.add({
    principal: 'socket',
    action: 'x',
    target: 'y',
    outcome: 'done',
    detail: { password: 'geheim123' },
  });
  const db = new DatabaseSync(file);
  try {
    expect(() => db.exec("UPDATE audit SET principal = 'nobody'")).toThrow(/append-only/);
    expect(() => db.exec('DELETE FROM audit')).toThrow(/append-only/);
    expect(JSON.stringify(db.prepare('SELECT * FROM audit').all())).not.toContain('geheim123');
  } finally {
    db.close();
  }
});

it('knows keys by their hash only, until they are revoked', () => {
  const { id, key } = state.keys.create('operator', 'nightly', 'socket');
  expect(key).toMatch(/^skb_/);
  expect(state.keys.find(key)).toMatchObject({ id, role: 'operator', name: 'nightly' });
  expect(JSON.stringify(state.keys.list())).not.toContain('hash');
  for (const wrong of ['', 'skb_', `${key}x`, key.slice(0, -1), key.replace(id, 'ffffffffffff'), 'x'.repeat(60)]) {
    expect(state.keys.find(wrong)).toBeUndefined();
  }
  state.close();
  const secret = key.split('_').slice(2).join('_');
  for (const name of [file, `${file}-wal`]) {
    const bytes = (() => {
      try {
        return readFileSync(name, 'latin1');
      } catch {
        return '';
      }
    })();
    expect(bytes).not.toContain(secret);
  }
  state = openState(file);
  expect(state.keys.revoke(id)).toBe(true);
  expect(state.keys.revoke(id)).toBe(false);
  expect(state.keys.find(key)).toBeUndefined();
});

it('takes all of a transaction or nothing, nested ones included', () => {
  expect(() =>
    state.transaction(() => {
      state.keys.create('viewer', undefined, 'socket');
      state.transaction(() => state.keys.create('viewer', undefined, 'socket'));
      throw new SkybackupError('internal', 'in the middle');
    }),
  ).toThrow('in the middle');
  expect(state.keys.list()).toEqual([]);
});

it('pages in either order with filters, and counts what matches', () => {
  for (let index = 0; index < 5; index += 1) {
    state.schedules.add({
      service_id: index < 3 ? 'orders' : 'billing',
      schedule: '0 3 * * *',
      type: 'full',
      message: '',
      warnings: [],
      next_run_at: index,
    });
  }
  expect(state.schedules.list({ page: 2, page_size: 2, order: 'asc' })).toMatchObject({ count: 5, pages: 3 });
  expect(state.schedules.list({ page: 2, page_size: 2, order: 'asc' }).items.map(({ id }) => id)).toEqual([3, 4]);
  expect(state.schedules.list({ service_id: 'orders' }).items.map(({ id }) => id)).toEqual([3, 2, 1]);
  expect(state.schedules.list({ page: 9 }).items).toEqual([]);
  expect(state.schedules.list({ service_id: 'none' })).toMatchObject({ count: 0, pages: 0 });
});

it('takes the later of two backups within one second for the newer, whatever their random ids are', () => {
  for (const number of [9, 3, 7]) {
    const id = backupIdOf(number);
    const object = { key: objectKeyOf(id), bytes: 1, block_bytes: 1, blocks: [] };
    state.backups.publish(sampleManifest(id, object));
  }
  const inOrder = [7, 3, 9].map((number) => backupIdOf(number));
  expect([...state.backups.physicalOf('shop', 'incarnation-1', 'local')].map(({ id }) => id)).toEqual(inOrder);
  expect(state.backups.lastGood('shop')?.id).toBe(inOrder[0]);
});
