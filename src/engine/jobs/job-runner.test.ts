import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import { openState, type StateStore } from '../store/state-store.ts';
import { JobRunner, type JobWork } from './job-runner.ts';

let folder: string;
let state: StateStore;
let runner: JobRunner;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-jobs-'));
  state = openState(join(folder, 'state.db'));
  runner = new JobRunner(state, { parallel: 2, retryMs: 20 });
});
afterEach(async () => {
  await runner.stop();
  state.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Work that ends when the test says so, or when it is cancelled. */
function work(change: Partial<JobWork<string>> = {}) {
  let finish: (result: string) => void = () => undefined;
  let context: JobContext | undefined;
  let began: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    began = resolve;
  });
  const ends: string[] = [];
  const job: JobWork<string> = {
    run(given) {
      context = given;
      began();
      return new Promise((resolve, reject) => {
        finish = resolve;
        given.signal.addEventListener('abort', () => reject(given.signal.reason));
      });
    },
    succeeded(result) {
      ends.push(result);
      return result;
    },
    failed: (end) => void ends.push(end.status),
    ...change,
  };
  return { job, begun, ends, finish: (result: string) => finish(result), context: () => context };
}

const full = (service = 'orders') => ({ kind: 'full', service_id: service, lanes: ['data'] as const });

it('lets verifications keep no backup waiting, nor backups a verification', async () => {
  const verify = (service: string) => ({ kind: 'verify', service_id: service, lanes: ['verify'] as const });
  const reserved = [
    ...['a', 'b', 'c'].map((service) => runner.reserve(verify(service))),
    ...['a', 'b', 'c'].map((service) => runner.reserve(full(service))),
  ];
  const works = reserved.map(() => work());
  for (const [index, job] of reserved.entries()) job.start(works[index]?.job ?? work().job);
  // Of each kind two go at once; the third waits for one of its own kind.
  await Promise.all([0, 1, 3, 4].map((index) => works[index]?.begun));
  expect(reserved.map(({ row }) => state.jobs.get(row.id)?.status)).toEqual(
    [1, 2].flatMap(() => ['Running', 'Running', 'Scheduled']),
  );
  works[3]?.finish('done');
  await works[5]?.begun;
  expect(state.jobs.get(reserved[2]?.row.id ?? 0)?.status).toBe('Scheduled');
  works[0]?.finish('done');
  await works[2]?.begun;
});

it('carries a job from Scheduled over Running to Succeeded', async () => {
  const one = work();
  const reserved = runner.reserve(full());
  expect(state.jobs.get(reserved.row.id)?.status).toBe('Scheduled');
  reserved.start(one.job);
  await one.begun;
  expect(state.jobs.get(reserved.row.id)?.status).toBe('Running');
  one.finish('done');
  await runner.ended(reserved.row.id);
  expect(state.jobs.get(reserved.row.id)).toMatchObject({ status: 'Succeeded', message: 'done' });
  expect(one.ends).toEqual(['done']);
});

it('refuses a second job on the lane and names the first', async () => {
  const one = work();
  const reserved = runner.reserve(full());
  reserved.start(one.job);
  let told: unknown;
  try {
    runner.reserve(full());
  } catch (error) {
    told = error;
  }
  expect(told).toMatchObject({ code: 'conflict', details: { job_id: reserved.row.id } });
  await one.begun;
  one.finish('done');
  await runner.ended(reserved.row.id);
  runner.reserve(full()).abandon();
});

describe('a job that fails', () => {
  it('is Failed with the code, the message and the hint, secrets taken out', async () => {
    const reserved = runner.reserve(full());
    const { job, ends } = work({
      run: async () => {
        throw new SkybackupError('lock_timeout', 'password=geheim99 was seen', { hint: 'End the session.' });
      },
    });
    reserved.start(job);
    await runner.ended(reserved.row.id);
    const row = state.jobs.get(reserved.row.id);
    expect(row).toMatchObject({ status: 'Failed', error: { code: 'lock_timeout', hint: 'End the session.' } });
    expect(JSON.stringify(row)).not.toContain('geheim99');
    expect(ends).toEqual(['Failed']);
  });

  it('is Failed without a word of the inside when the error was not foreseen', async () => {
    const reserved = runner.reserve(full());
    reserved.start(work({ run: async () => JSON.parse('{') as string }).job);
    await runner.ended(reserved.row.id);
    expect(state.jobs.get(reserved.row.id)).toMatchObject({ status: 'Failed', error: { code: 'internal' } });
    expect(JSON.stringify(state.jobs.get(reserved.row.id))).not.toContain('JSON');
  });

  it('does not stay Running when its result cannot be recorded', async () => {
    const reserved = runner.reserve(full());
    const { job, begun, finish, ends } = work({
      succeeded: () => {
        throw new TypeError('bad manifest');
      },
    });
    reserved.start(job);
    await begun;
    finish('done');
    await runner.ended(reserved.row.id);
    expect(state.jobs.get(reserved.row.id)?.status).toBe('Failed');
    expect(ends).toEqual(['Failed']);
  });

  it('tells its own reason though it was cancelled in the same moment', async () => {
    const reserved = runner.reserve(full());
    const { job, begun } = work();
    const run = job.run;
    job.run = (context) =>
      run(context).catch(() => {
        throw new SkybackupError('restore_failed', 'It could not be put back.');
      });
    reserved.start(job);
    await begun;
    runner.cancel(reserved.row.id);
    await runner.ended(reserved.row.id);
    expect(state.jobs.get(reserved.row.id)).toMatchObject({ status: 'Failed', error: { code: 'restore_failed' } });
  });
});

it('cancels a running job and one that waits for its turn', async () => {
  const running = [work(), work()];
  const rows = running.map(({ job }, index) => {
    const reserved = runner.reserve(full(`s${index}`));
    reserved.start(job);
    return reserved.row.id;
  });
  await Promise.all(running.map(({ begun }) => begun));
  const waiting = work();
  const reserved = runner.reserve(full('s9'));
  reserved.start(waiting.job);
  expect(state.jobs.get(reserved.row.id)?.status).toBe('Scheduled');
  expect(runner.cancel(reserved.row.id)).toBe(true);
  await runner.ended(reserved.row.id);
  expect(state.jobs.get(reserved.row.id)).toMatchObject({ status: 'Cancelled', error: { code: 'cancelled' } });
  expect(waiting.context()).toBeUndefined();
  expect(runner.cancel(rows[0] ?? 0)).toBe(true);
  await runner.ended(rows[0] ?? 0);
  expect(state.jobs.get(rows[0] ?? 0)?.status).toBe('Cancelled');
  expect(state.jobs.get(rows[1] ?? 0)?.status).toBe('Running');
  expect(runner.cancel(4711)).toBe(false);
});

it('gives the turn to the one that waits longest', async () => {
  const all = ['a', 'b', 'c', 'd'].map((service) => {
    const each = work();
    const reserved = runner.reserve(full(service));
    reserved.start(each.job);
    return { ...each, id: reserved.row.id };
  });
  const [a, b, c, d] = all;
  if (!a || !b || !c || !d) throw new Error('four jobs');
  await Promise.all([a.begun, b.begun]);
  a.finish('a');
  await c.begun;
  expect(d.context()).toBeUndefined();
  b.finish('b');
  await d.begun;
  c.finish('c');
  d.finish('d');
  await Promise.all(all.map(({ id }) => runner.ended(id)));
  expect(all.map(({ id }) => state.jobs.get(id)?.status)).toEqual(Array(4).fill('Succeeded'));
});

it('tells phase, bytes, rate and time left while it runs, and keeps the phase in the state', async () => {
  let clock = 1000;
  runner = new JobRunner(state, { now: () => clock });
  const one = work();
  const reserved = runner.reserve(full());
  reserved.start(one.job);
  await one.begun;
  const context = one.context();
  context?.phase('copying', 'files are copied');
  context?.progress(0, 10_000);
  clock += 2000;
  context?.progress(4000);
  expect(runner.progressOf(reserved.row.id)).toEqual({
    phase: 'copying',
    message: 'files are copied',
    bytes: 4000,
    total_bytes: 10_000,
    bytes_per_second: 2000,
    eta_seconds: 3,
  });
  expect(state.jobs.get(reserved.row.id)?.phase).toBe('copying');
  context?.warn('careful');
  expect(state.jobs.get(reserved.row.id)?.warnings).toEqual(['careful']);
  context?.phase('publishing');
  expect(runner.progressOf(reserved.row.id)).toMatchObject({ phase: 'publishing', bytes: undefined });
  one.finish('done');
  await runner.ended(reserved.row.id);
  expect(runner.progressOf(reserved.row.id)).toBeUndefined();
});

it('stops by cancelling what runs, saying why, and takes nothing new', async () => {
  const one = work();
  const reserved = runner.reserve(full());
  reserved.start(one.job);
  await one.begun;
  await runner.stop();
  expect(state.jobs.get(reserved.row.id)).toMatchObject({ status: 'Cancelled', error: { code: 'interrupted' } });
  expect(() => runner.reserve(full('other'))).toThrow(/stopping/);
});

it('writes the end as soon as the state can be written again', async () => {
  const one = work();
  const reserved = runner.reserve(full());
  reserved.start(one.job);
  await one.begun;
  const db = new DatabaseSync(join(folder, 'state.db'));
  db.exec("CREATE TRIGGER full_disk BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'disk is full'); END;");
  one.finish('done');
  const end = runner.ended(reserved.row.id);
  await new Promise((resolve) => setImmediate(resolve));
  expect(state.jobs.get(reserved.row.id)?.status).toBe('Running');
  db.exec('DROP TRIGGER full_disk');
  db.close();
  await end;
  expect(state.jobs.get(reserved.row.id)?.status).toBe('Succeeded');
});
