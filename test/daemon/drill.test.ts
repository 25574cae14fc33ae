import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Schedule } from '../../src/contract/schedules.ts';
import { type Engine, startEngine } from '../../src/engine/engine.ts';
import { connect } from '../../src/engine/mariadb/connect.ts';
import { type TestHome, temporaryHome } from '../servers/managed.ts';
import { MovedClock } from './moved-clock.ts';

const day = 24 * 60 * 60_000;
const administrator = { principal: 'test', role: 'administrator' } as const;
/** Rare: the clock is moved to its runs, and no other comes while one is looked at. */
const daily = '0 3 * * *';

let home: TestHome;
let clock: MovedClock;
let engine: Engine;
let backup: string;
beforeAll(async () => {
  home = temporaryHome();
  clock = new MovedClock();
  engine = await startEngine({ home: home.home, startedBy: 'person', clock });
  await engine.services.register({ id: 'orders', control: { kind: 'managed' }, nightly: false });
  const { job_id = 0 } = await engine.schedules.create(
    { backup_type: 'full', schedule: 'once', service_id: 'orders' },
    administrator,
  );
  await engine.jobs.ended(job_id);
  backup = engine.backups.list({ service_id: 'orders' }).items[0]?.id ?? '';
  engine.begin();
}, 60_000);
afterAll(async () => {
  await engine.stop();
  await home.dispose();
});

const codes = () => engine.health('orders').services[0]?.reasons.map(({ code }) => code);

/** The kinds of work whose rates are known now. */
function measuredWork(): unknown[] {
  const db = new DatabaseSync(home.home.state, { readOnly: true });
  const rows = db.prepare('SELECT work FROM rates ORDER BY work').all();
  db.close();
  return rows.map(({ work }) => work);
}

/** Lets the schedule's next run come, and waits until it has ended. */
async function nextRun({ id }: Schedule): Promise<Schedule> {
  const before = engine.schedules.get(id);
  clock.toShortlyBefore(before.next_run_at);
  // Any change wakes the ticker, which then sees the moved clock.
  await engine.schedules.update(id, { suspended: false }, administrator);
  const ended = () => {
    const { last_run_at, status, job_id } = engine.schedules.get(id);
    return last_run_at !== before.last_run_at && job_id !== before.job_id && status !== 'Running';
  };
  await expect.poll(ended).toBe(true);
  return engine.schedules.get(id);
}

it('a drill proves the newest backup when cron says so, with its own queries', async () => {
  const queries = [{ sql: "SELECT COUNT(*) FROM mysql.user WHERE User = 'skybackup'", expect: '1' }];
  const drill = await engine.schedules.create(
    {
      backup_type: 'drill',
      schedule: daily,
      service_id: 'orders',
      checks: { check_table: true, queries },
    },
    administrator,
  );
  expect(drill).toMatchObject({ type: 'drill', checks: { check_table: true, queries } });
  expect(engine.schedules.list({ service_id: 'orders', type: 'drill' }).items).toMatchObject([{ id: drill.id }]);
  // It takes no backups: as before, nothing does.
  expect(codes()).toEqual(['no_schedule', 'unproven']);
  expect(measuredWork()).toEqual([]);

  const ran = await nextRun(drill);
  expect(ran).toMatchObject({ status: 'Succeeded', backup_id: backup, message: expect.stringContaining('is proven') });
  const [proof] = engine.verifications.list({ service_id: 'orders' }).items;
  expect(proof).toMatchObject({ status: 'Succeeded', backup_id: backup, schedule_id: drill.id });
  expect(engine.jobs.get(ran.job_id ?? 0)).toMatchObject({ kind: 'drill', schedule_id: drill.id });
  expect(engine.health('orders').services[0]).toMatchObject({
    last_proven_restore: { verification_id: proof?.id, recovery_seconds: proof?.recovery_seconds },
  });
  expect(codes()).toEqual(['no_schedule']);
  expect(measuredWork()).toEqual(['prepare', 'prove', 'unpack']);
  await engine.schedules.remove(drill.id, administrator);
});

it('a drill rolls the newest backup forward to the end of the archived logs, where it is to', async () => {
  const { socket } = await engine.services.get('orders');
  const server = await connect({ socket, defaults_file: join(home.home.services, 'orders', 'client.cnf') });
  await server.query('CREATE DATABASE shop');
  await server.query('CREATE TABLE shop.orders (id INT PRIMARY KEY)');
  await server.query('INSERT INTO shop.orders VALUES (1), (2), (3)');
  await server.close();
  const queries = [{ sql: 'SELECT COUNT(*) FROM shop.orders', expect: '3' }];
  const checks = { point_in_time: 'newest' as const, queries };
  const drill = await engine.schedules.create(
    { backup_type: 'drill', schedule: daily, service_id: 'orders', checks },
    administrator,
  );
  // What was written since the backup is not archived yet.
  expect((await nextRun(drill)).message).toContain("doesn't exist");
  expect(engine.verifications.list({}).items[0]?.warnings?.join()).toContain('No archived binary logs follow');

  const { job_id = 0 } = await engine.schedules.create(
    { backup_type: 'binarylog', schedule: 'once', service_id: 'orders' },
    administrator,
  );
  await engine.jobs.ended(job_id);
  expect(await nextRun(drill)).toMatchObject({
    status: 'Succeeded',
    message: expect.stringContaining('rolled it forward'),
  });
  expect(measuredWork()).toContain('replay');
  await engine.schedules.remove(drill.id, administrator);
});

it('a drill that finds the backup unsound fails, and health says so until one succeeds', async () => {
  const drill = await engine.schedules.create(
    { backup_type: 'drill', schedule: daily, service_id: 'orders' },
    administrator,
  );
  const data = join(home.home.repository, 'v1', 'orders', backup.split(':')[0] ?? '', 'data.xbstream.zst');
  const sound = readFileSync(data);
  const damaged = Buffer.from(sound);
  damaged.writeUInt8(damaged.readUInt8(1000) ^ 0xff, 1000);
  writeFileSync(data, damaged);
  const failed = await nextRun(drill);
  expect(failed).toMatchObject({ status: 'Failed', message: expect.stringContaining('damaged in block 1') });
  expect(engine.health('orders')).toMatchObject({ verdict: 'critical' });
  expect(codes()?.[0]).toBe('proof_failed');
  writeFileSync(data, sound);
  expect(await nextRun(drill)).toMatchObject({ status: 'Succeeded' });
  expect(codes()).not.toContain('proof_failed');
  await engine.schedules.remove(drill.id, administrator);
});

it('a drill that was missed while the daemon was down is overdue, and made up for once', async () => {
  const drill = await engine.schedules.create(
    { backup_type: 'drill', schedule: daily, service_id: 'orders' },
    administrator,
  );
  await engine.stop();
  clock.offset += 5 * day;
  engine = await startEngine({ home: home.home, startedBy: 'person', clock });
  expect(codes()).toContain('drill_overdue');
  const count = engine.verifications.list({}).count;
  engine.begin();
  await expect.poll(() => engine.schedules.get(drill.id).status).toBe('Succeeded');
  expect(engine.verifications.list({}).count).toBe(count + 1);
  expect(codes()).not.toContain('drill_overdue');

  await engine.schedules.update(drill.id, { suspended: true }, administrator);
  clock.offset += 5 * day;
  expect(codes()).not.toContain('drill_overdue');
  expect(engine.schedules.get(drill.id)).toMatchObject({ suspended: true });
});

it('what is no drill is refused', async () => {
  const base = { service_id: 'orders' } as const;
  const refusal = (request: Parameters<Engine['schedules']['create']>[0]) =>
    expect(engine.schedules.create(request, administrator)).rejects;
  await refusal({ ...base, backup_type: 'drill', schedule: 'once' }).toThrow('repeated');
  await refusal({ ...base, backup_type: 'drill', schedule: 'weekly' }).toThrow('not a cron schedule');
  await refusal({ ...base, backup_type: 'full', schedule: daily, checks: { quick: true } }).toThrow('no "checks"');
  await refusal({ ...base, backup_type: 'drill', schedule: daily, storage: 'local' }).toThrow('no "storage"');
  const [drill] = engine.schedules.list({ type: 'drill' }).items;
  await expect(engine.schedules.update(drill?.id ?? 0, { backup_type: 'full' }, administrator)).rejects.toThrow(
    'takes no backups',
  );
});
