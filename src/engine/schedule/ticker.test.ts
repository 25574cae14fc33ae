import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { once } from '../../contract/cron.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { Clock } from '../clock.ts';
import { openState, type StateStore } from '../store/state-store.ts';
import { nextRunAfter } from './next-run.ts';
import { ScheduleTicker } from './ticker.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A wall clock that can be set, and time that passes only when told. */
class FakeClock implements Clock {
  wall = Date.parse('2026-11-22T12:00:00Z');
  #monotonic = 0;
  #timers: { at: number; callback: () => void }[] = [];

  now = (): number => this.wall;
  monotonic = (): number => this.#monotonic;
  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#monotonic + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  pass(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.wall += next.at - this.#monotonic;
      this.#monotonic = next.at;
      next.callback();
    }
    this.wall += end - this.#monotonic;
    this.#monotonic = end;
  }
  /** The machine slept: neither timers nor monotonic time went on. */
  sleep(ms: number): void {
    this.wall += ms;
  }
}

let folder: string;
let clock: FakeClock;
let state: StateStore;
let runs: { schedule: number; at: string }[];
let busy: boolean;
let down: boolean;
let ticker: ScheduleTicker;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-tick-'));
  clock = new FakeClock();
  state = openState(join(folder, 'state.db'), clock.now);
  runs = [];
  busy = false;
  down = false;
  ticker = newTicker();
});
afterEach(() => {
  ticker.stop();
  state.close();
  rmSync(folder, { recursive: true, force: true });
});

function newTicker(): ScheduleTicker {
  return new ScheduleTicker({
    state,
    clock,
    startRun(schedule) {
      if (down) throw new SkybackupError('service_down', 'orders is stopped.');
      if (busy) throw new SkybackupError('conflict', 'Service orders is busy: job 7 has to end first.');
      runs.push({ schedule: schedule.id, at: new Date(clock.now()).toISOString().slice(0, 16) });
      return { jobId: runs.length };
    },
  });
}

function add(schedule: string): number {
  const next_run_at = nextRunAfter(schedule, clock.now());
  return state.schedules.add({ service_id: 'orders', schedule, type: 'full', message: '', warnings: [], next_run_at })
    .id;
}

it('starts each run at its moment, and never a one-time schedule', () => {
  const id = add('0 * * * *');
  add('once');
  ticker.start();
  clock.pass(3 * hour + minute);
  expect(runs).toEqual([
    { schedule: id, at: '2026-11-22T13:00' },
    { schedule: id, at: '2026-11-22T14:00' },
    { schedule: id, at: '2026-11-22T15:00' },
  ]);
  expect(state.schedules.get(id)?.next_run_at).toEqual(new Date('2026-11-22T16:00:00Z'));
});

it('makes up once for all runs that were missed while the daemon was down', () => {
  const id = add('0 * * * *');
  clock.sleep(3 * day + 30 * minute);
  ticker = newTicker();
  ticker.start();
  expect(runs).toEqual([{ schedule: id, at: '2026-11-25T12:30' }]);
  expect(state.schedules.get(id)?.message).toContain('missed');
  clock.pass(31 * minute);
  expect(runs).toHaveLength(2);
});

it('notices within half a minute that the machine slept over a run', () => {
  add('0 13 * * *');
  ticker.start();
  clock.sleep(5 * hour);
  clock.pass(30_000);
  expect(runs).toHaveLength(1);
});

it('skips a run that would overlap, says so, and goes on with the next', () => {
  const id = add('0 * * * *');
  ticker.start();
  busy = true;
  clock.pass(hour + minute);
  expect(runs).toEqual([]);
  const skipped = state.schedules.get(id);
  expect(skipped?.last_skip).toContain('2026-11-22T13:00:00Z was skipped');
  expect(skipped?.last_skip).toContain('job 7');
  expect(skipped?.status).toBe('Scheduled');
  busy = false;
  clock.pass(hour);
  expect(runs).toEqual([{ schedule: id, at: '2026-11-22T14:00' }]);
  expect(state.schedules.get(id)?.last_skip).toContain('13:00:00Z');
});

it('goes on at the right moments after the clock was set back by days', () => {
  const id = add('0 3 * * *');
  ticker.start();
  clock.pass(day);
  expect(runs).toHaveLength(1);
  clock.wall -= 5 * day;
  clock.pass(day);
  expect(runs).toHaveLength(2);
  expect(state.schedules.get(id)?.next_run_at?.getTime()).toBeLessThan(clock.now() + day);
});

it('also when it was set back while the daemon was down', () => {
  add('0 3 * * *');
  ticker.start();
  clock.pass(day);
  ticker.stop();
  clock.wall -= 5 * day;
  ticker = newTicker();
  ticker.start();
  clock.pass(day);
  expect(runs).toHaveLength(2);
});

it('runs once when the clock is corrected by a moment right after the run', () => {
  add('0 13 * * *');
  ticker.start();
  clock.pass(hour + 500);
  expect(runs).toHaveLength(1);
  clock.wall -= 2000;
  clock.pass(minute);
  expect(runs).toHaveLength(1);
});

it('runs once, not for every day, when the clock is set forth by weeks', () => {
  add('0 3 * * *');
  ticker.start();
  clock.wall += 30 * day;
  clock.pass(minute);
  expect(runs).toHaveLength(1);
});

it('lets suspended schedules sleep', () => {
  const id = add('0 * * * *');
  state.schedules.change(id, { suspended: true });
  ticker.start();
  clock.pass(day);
  expect(runs).toEqual([]);
});

it('keeps ticking when one run cannot be started', () => {
  const id = add('0 * * * *');
  let calls = 0;
  ticker = new ScheduleTicker({
    state,
    clock,
    startRun() {
      calls += 1;
      throw new TypeError('unforeseen');
    },
  });
  ticker.start();
  clock.pass(2 * hour + minute);
  expect(calls).toBe(2);
  expect(state.schedules.get(id)).toMatchObject({ status: 'Failed' });
  expect(state.schedules.get(id)?.message).not.toContain('unforeseen');
});

describe('a one-time run that is still to be begun', () => {
  const wanted = () => {
    const what = { service_id: 'orders', schedule: once, type: 'full', after_restore: 1 } as const;
    return state.schedules.add({ ...what, message: '', warnings: [], next_run_at: clock.now() }).id;
  };
  const row = (id: number) => state.schedules.get(id);

  it('waits for the lane and for the server, and runs once', () => {
    const id = wanted();
    busy = true;
    ticker.start();
    clock.pass(minute);
    expect(row(id)).toMatchObject({ status: 'Scheduled', message: expect.stringContaining('job 7') });
    [busy, down] = [false, true];
    clock.pass(5 * hour);
    expect(row(id)).toMatchObject({ status: 'Scheduled', message: expect.stringContaining('stopped') });
    expect(state.schedules.activeCount()).toBe(1);
    down = false;
    clock.pass(minute);
    clock.pass(day);
    expect(runs).toHaveLength(1);
    expect(row(id)).toMatchObject({ status: 'Running', job_id: 1, next_run_at: undefined });
    expect(state.schedules.activeCount()).toBe(0);
  });

  it('is due still when the daemon ended while it waited, also with a clock that was set back', () => {
    const id = wanted();
    down = true;
    ticker.start();
    ticker.stop();
    clock.wall -= 5 * day;
    down = false;
    ticker = newTicker();
    ticker.start();
    expect(runs.map(({ schedule }) => schedule)).toEqual([id]);
  });

  it('stays due where its start cannot be recorded, and holds up no other', () => {
    const id = wanted();
    const hourly = add('0 * * * *');
    let breaks = true;
    ticker = new ScheduleTicker({
      state,
      clock,
      startRun(schedule) {
        if (schedule.id === id && breaks) throw new TypeError('unforeseen');
        runs.push({ schedule: schedule.id, at: '' });
        return { jobId: 1 };
      },
    });
    ticker.start();
    clock.pass(hour);
    expect(runs.map(({ schedule }) => schedule)).toEqual([hourly]);
    breaks = false;
    clock.pass(minute);
    expect(runs.map(({ schedule }) => schedule)).toEqual([hourly, id]);
  });

  it('is replaced by that of a later restore', () => {
    const id = wanted();
    state.schedules.removeWaitingAfterRestore('billing');
    expect(row(id)).toBeDefined();
    state.schedules.removeWaitingAfterRestore('orders');
    expect(row(id)).toBeUndefined();
  });
});
