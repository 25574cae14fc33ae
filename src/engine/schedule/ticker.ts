import { once } from '../../contract/cron.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { Clock } from '../clock.ts';
import type { ScheduleRow } from '../store/schedules-table.ts';
import type { StateStore } from '../store/state-store.ts';
import { jumpMs, missedAfterMs, nextRunAfter } from './next-run.ts';

export interface TickerOptions {
  state: StateStore;
  clock: Clock;
  /**
   * Starts the backup of a schedule and returns its job; undefined when none is needed. Throws `conflict` when the lane is
   * taken, `service_down` when the server is stopped.
   */
  startRun(schedule: ScheduleRow): { jobId: number } | undefined;
  log?: (event: { schedule?: number; error: unknown }) => void;
}

/** Even with nothing due: a machine that slept or whose clock was set is noticed within this time. */
const longestSleepMs = 30_000;
/** How long a one-time run that cannot be begun yet waits for the next try. */
const onceAgainMs = 15_000;

/** Starts what is due. A run missed while nobody ticked is made up for once; one that would overlap is skipped and said so. */
export class ScheduleTicker {
  readonly #options: TickerOptions;
  #cancelTimer: (() => void) | undefined;
  #stopped = false;
  /** Wall minus monotonic time: when it shrinks, the wall clock was set back. */
  #offset: number;

  constructor(options: TickerOptions) {
    this.#options = options;
    this.#offset = options.clock.now() - options.clock.monotonic();
  }

  /** The first tick happens at once: it makes up for what was missed while the daemon was down. */
  start(): void {
    const { clock, state } = this.#options;
    if (state.schedules.newestMoment() > clock.now() + jumpMs) this.#planAgain();
    this.tick();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  /** To be called when schedules changed: the next one due may be another. */
  tick(): void {
    if (this.#stopped) return;
    this.#cancelTimer?.();
    const { clock, state, log } = this.#options;
    let wait = longestSleepMs;
    try {
      this.#noticeJump();
      for (let due = state.schedules.due(clock.now()); due.length > 0; due = state.schedules.due(clock.now())) {
        for (const schedule of due) {
          if (schedule.schedule === once) this.#runOnce(schedule);
          else this.#run(schedule);
        }
      }
      const next = state.schedules.nextDue() ?? Number.POSITIVE_INFINITY;
      wait = Math.min(longestSleepMs, Math.max(1, next - clock.now()));
    } catch (error) {
      // A full disk must not end the ticking: backups go on once there is room again.
      log?.({ error });
    }
    this.#cancelTimer = clock.after(wait, () => this.tick());
  }

  #noticeJump(): void {
    const { clock } = this.#options;
    const offset = clock.now() - clock.monotonic();
    const back = this.#offset - offset;
    this.#offset = offset;
    // Set forth needs nothing: what is due is served once. Set back, runs would wait for moments that are far ahead now.
    if (back > jumpMs) this.#planAgain();
  }

  #planAgain(): void {
    const { clock, state } = this.#options;
    for (const schedule of state.schedules.repeated()) {
      const next = nextRunAfter(schedule.schedule, clock.now());
      if (next !== undefined) state.schedules.change(schedule.id, { next_run_at: next });
    }
    for (const { id } of state.schedules.waiting()) state.schedules.change(id, { next_run_at: clock.now() });
  }

  #run(schedule: ScheduleRow): void {
    const { clock, state, startRun, log } = this.#options;
    const moment = schedule.next_run_at?.getTime() ?? clock.now();
    const served = { last_run_at: moment, next_run_at: nextRunAfter(schedule.schedule, clock.now()) ?? null };
    // Before the run: whatever happens in it, the same moment is not served again.
    state.schedules.change(schedule.id, served);
    try {
      const jobId = startRun(schedule)?.jobId;
      if (jobId === undefined) return;
      const missed = clock.now() - moment > missedAfterMs;
      const message = missed
        ? `Making up for the run of ${toRfc3339(new Date(moment))}, which was missed.`
        : `The run of ${toRfc3339(new Date(moment))} was started.`;
      state.schedules.change(schedule.id, { status: 'Running', job_id: jobId, backup_id: null, message });
    } catch (error) {
      const reason = error instanceof SkybackupError ? error.message : 'Something unexpected went wrong.';
      const skipped = error instanceof SkybackupError && error.code === 'conflict';
      if (!skipped) log?.({ schedule: schedule.id, error });
      const message = `The run of ${toRfc3339(new Date(moment))} was skipped: ${redact(reason)}`;
      // A skipped run leaves the status alone: the job in its way may be the schedule's own last run.
      state.schedules.change(schedule.id, skipped ? { message, last_skip: message } : { status: 'Failed', message });
    }
  }

  /** Nothing is skipped here: a one-time run waits until it can be begun, however often the daemon ends meanwhile. */
  #runOnce(schedule: ScheduleRow): void {
    const { clock, state, startRun, log } = this.#options;
    try {
      // In one breath: killed in between, it is still due.
      state.transaction(() => {
        state.schedules.change(schedule.id, { last_run_at: clock.now(), next_run_at: null });
        const jobId = startRun(schedule)?.jobId;
        if (jobId !== undefined) state.schedules.change(schedule.id, { status: 'Running', job_id: jobId });
      });
    } catch (error) {
      const known = error instanceof SkybackupError ? error : undefined;
      const message = redact(known?.message ?? 'Something unexpected went wrong.');
      const waits = known === undefined || known.code === 'conflict' || known.code === 'service_down';
      if (known === undefined || !waits) log?.({ schedule: schedule.id, error });
      state.schedules.change(
        schedule.id,
        waits
          ? { next_run_at: clock.now() + onceAgainMs, message: `It waits: ${message}` }
          : { next_run_at: null, status: 'Failed', message },
      );
    }
  }
}
