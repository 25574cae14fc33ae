import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Backup } from '../../src/contract/backups.ts';
import { type Engine, startEngine } from '../../src/engine/engine.ts';
import { markerName } from '../../src/engine/managed/data-marker.ts';
import { connect } from '../../src/engine/mariadb/connect.ts';
import { type TestHome, temporaryHome } from '../servers/managed.ts';
import { MovedClock } from './moved-clock.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const administrator = { principal: 'test', role: 'administrator' } as const;

let home: TestHome;
let clock: MovedClock;
let engine: Engine;
beforeEach(async () => {
  home = temporaryHome();
  clock = new MovedClock();
  engine = await startEngine({ home: home.home, startedBy: 'client', clock });
  await engine.services.register({ id: 'orders', control: { kind: 'managed' }, nightly: false });
});
afterEach(async () => {
  await engine.stop();
  await home.dispose();
});

async function restartEngine(later: number): Promise<void> {
  await engine.stop();
  clock.offset += later;
  engine = await startEngine({ home: home.home, startedBy: 'client', clock });
  engine.begin();
}

it('takes a real backup when cron says so, and one for all runs missed while the daemon was down', {
  timeout: 120_000,
}, async () => {
  const created = await engine.schedules.create(
    { backup_type: 'full', schedule: '* * * * *', service_id: 'orders' },
    administrator,
  );
  // A daemon that a client started does not come back by itself, and the schedule says so.
  expect(created.warnings?.join()).toContain('skybackup serve');
  clock.toShortlyBefore(created.next_run_at);
  engine.begin();
  await expect.poll(() => engine.schedules.get(created.id).status, { timeout: 50_000 }).toBe('Succeeded');
  const ran = engine.schedules.get(created.id);
  expect(ran.last_run_at).toMatch(/:00Z$/);
  expect(Date.parse(ran.next_run_at ?? '')).toBe(Date.parse(ran.last_run_at ?? '') + minute);
  expect(engine.backups.get(ran.backup_id ?? '')).toMatchObject({ status: 'Succeeded', service_id: 'orders' });

  await engine.schedules.update(created.id, { schedule: '0 3 * * *' }, administrator);
  await restartEngine(5 * day);
  const missed = engine.schedules.get(created.id);
  expect(missed.message).toContain('missed');
  await expect.poll(() => engine.schedules.get(created.id).status, { timeout: 50_000 }).toBe('Succeeded');
  expect(engine.backups.list({ service_id: 'orders' }).count).toBe(2);
});

it('takes a full backup where a scheduled incremental has nothing sound to build on, says so, and goes on from it', {
  timeout: 120_000,
}, async () => {
  const { id } = await engine.schedules.create(
    { backup_type: 'full', schedule: '0 3 * * *', service_id: 'orders' },
    administrator,
  );
  const patch = { backup_type: 'incremental', schedule: '* * * * *' } as const;
  expect(await engine.schedules.update(id, patch, administrator)).toMatchObject({ type: 'incremental' });
  engine.begin();
  const nextRun = async (served?: string): Promise<Backup> => {
    clock.toShortlyBefore(engine.schedules.get(id).next_run_at);
    // Any change wakes the ticker, which then sees the moved clock.
    await engine.schedules.update(id, { suspended: false }, administrator);
    const done = () => {
      const { status, last_run_at } = engine.schedules.get(id);
      return status === 'Succeeded' && last_run_at !== served;
    };
    await expect.poll(done, { timeout: 50_000 }).toBe(true);
    return engine.backups.get(engine.schedules.get(id).backup_id ?? '');
  };
  const first = await nextRun();
  expect(first).toMatchObject({ type: 'full', reference_full_backup: '' });
  expect(JSON.stringify(first.warnings)).toContain('instead of an incremental');
  const said = engine.schedules.get(id);
  expect(said.message).toMatch(/of type full.*instead of an incremental/);
  expect(JSON.stringify(engine.jobs.get(said.job_id ?? 0).warnings)).toContain('instead of an incremental');

  const second = await nextRun(said.last_run_at);
  expect(second).toMatchObject({ type: 'incremental', reference_full_backup: first.id });
  expect(engine.schedules.get(id).message).toBe(`Backup ${second.id} succeeded.`);

  const datadir = (await engine.services.get('orders')).datadir ?? '';
  rmSync(join(datadir, markerName));
  const third = await nextRun(engine.schedules.get(id).last_run_at);
  expect(third).toMatchObject({ type: 'full' });
  expect(engine.schedules.get(id).message).toContain(`build on the backup ${second.id}`);
});

it('skips a run while an earlier one still works, and records that', async () => {
  const once = await engine.schedules.create(
    { backup_type: 'full', schedule: 'once', service_id: 'orders' },
    administrator,
  );
  const { id, next_run_at } = await engine.schedules.create(
    {
      backup_type: 'full',
      schedule: '* * * * *',
      service_id: 'orders',
    },
    administrator,
  );
  // Due while the first is at work: the tick comes at once, the backup takes longer.
  clock.toShortlyBefore(next_run_at);
  clock.offset += 200;
  engine.begin();
  expect(engine.schedules.get(id).warnings?.join()).toContain(`job ${once.job_id}`);
  expect(engine.schedules.get(id)).toMatchObject({ status: 'Scheduled', message: expect.stringContaining('skipped') });
  await engine.jobs.ended(once.job_id ?? 0);
});

it('removes the data that a restore set aside when their 72 hours are over, and not before', async () => {
  const once = await engine.schedules.create(
    { backup_type: 'full', schedule: 'once', service_id: 'orders' },
    administrator,
  );
  await engine.jobs.ended(once.job_id ?? 0);
  const request = { service_id: 'orders', id: engine.schedules.get(once.id).backup_id ?? '' };
  const { id, job_id } = await engine.restores.create(request, administrator);
  await engine.jobs.ended(job_id ?? 0);
  const kept = engine.restores.get(id).kept_data ?? '';
  expect(existsSync(kept)).toBe(true);
  await restartEngine(71 * hour);
  await engine.settled();
  expect(existsSync(kept)).toBe(true);
  await restartEngine(2 * hour);
  await engine.settled();
  expect(existsSync(kept)).toBe(false);
  expect(engine.restores.get(id)).toMatchObject({ status: 'Succeeded' });
  expect(engine.restores.get(id).kept_data).toBeUndefined();
  expect((await engine.services.get('orders')).status).toBe('ready');
});

it('is dispensable only when it is idle, repeats nothing and none of its servers run', async () => {
  expect(await engine.isDispensable()).toBe(false);
  const stopped = await engine.services.setPower('orders', false, administrator);
  await engine.jobs.ended(Number(stopped.job_id));
  expect(await engine.isDispensable()).toBe(true);
  const { id } = await engine.schedules.create(
    { backup_type: 'full', schedule: '0 3 * * *', service_id: 'orders' },
    administrator,
  );
  expect(await engine.isDispensable()).toBe(false);
  await engine.schedules.update(id, { suspended: true }, administrator);
  expect(await engine.isDispensable()).toBe(true);
  await engine.plans.create({ operation: 'delete_schedule', arguments: { id } }, 'someone');
  expect(await engine.isDispensable()).toBe(false);
});

it('archives binary logs every five minutes while a long full backup runs', async () => {
  const service = await engine.services.get('orders');
  const defaults_file = `${home.home.services}/orders/client.cnf`;
  const session = await connect({ socket: service.socket, defaults_file });
  try {
    await session.query('CREATE DATABASE d');
    await session.query('CREATE TABLE d.t (a INT)');
    const logs = await engine.schedules.create(
      { backup_type: 'binarylog', schedule: '*/5 * * * *', service_id: 'orders' },
      administrator,
    );
    await session.query('LOCK TABLES d.t WRITE');
    const full = await engine.schedules.create(
      { backup_type: 'full', schedule: 'once', service_id: 'orders' },
      administrator,
    );
    const fullJob = () => engine.jobs.get(full.job_id ?? 0);
    await expect.poll(() => fullJob().phase, { timeout: 20_000 }).toBe('waiting for lock');
    for (const run of [1, 2]) {
      await session.query('INSERT INTO d.t VALUES (1)');
      clock.offset += 5 * minute - (clock.now() % (5 * minute)) - 150;
      engine.begin();
      const count = () => engine.backups.list({ type: 'binarylog', status: 'Succeeded' }).count;
      await expect.poll(count, { timeout: 20_000 }).toBe(run);
      expect(engine.schedules.get(logs.id)).toMatchObject({ status: 'Succeeded' });
      expect(fullJob().status).toBe('Running');
    }
    await session.query('UNLOCK TABLES');
    await engine.jobs.ended(full.job_id ?? 0);
    expect(fullJob().status).toBe('Succeeded');
  } finally {
    await session.close();
  }
});
