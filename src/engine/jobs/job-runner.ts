import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';
import type { JobContext } from '../job-context.ts';
import type { JobEnd, JobRow, NewJob } from '../store/jobs-table.ts';
import type { StateStore } from '../store/state-store.ts';
import { busyError, endOf, isDatabaseError } from './job-end.ts';
import { JobRate } from './job-rate.ts';
import { Turns } from './turns.ts';

export interface JobWork<T> {
  run(context: JobContext): Promise<T>;
  /** In one transaction with the job's own end: whoever sees the one sees the other. */
  succeeded(result: T): string;
  failed(end: JobEnd): void;
}

/** A job that holds its lanes but has not begun; it must be started or abandoned. */
export interface ReservedJob {
  readonly row: JobRow;
  start<T>(work: JobWork<T>): void;
  abandon(): void;
}

export interface LiveProgress {
  phase: string | undefined;
  message: string | undefined;
  bytes: number | undefined;
  total_bytes: number | undefined;
  bytes_per_second: number | undefined;
  eta_seconds: number | undefined;
}

interface ActiveJob {
  readonly id: number;
  readonly abort: AbortController;
  readonly rate: JobRate;
  phase: string | undefined;
  message: string | undefined;
  bytes: number | undefined;
  total: number | undefined;
  /** Resolves when the job's end is written. */
  done: Promise<void>;
}

export interface JobRunnerOptions {
  now?: () => number;
  /** Jobs beyond this many wait, still Scheduled, with their lanes held. Default 4: more would only fight for the disk. */
  parallel?: number;
  /** How long to wait before an end that could not be written is tried again. Default 2,000. */
  retryMs?: number;
  log?: (event: { job: number; kind: string; error: unknown }) => void;
  onPhase?: (event: { job: number; kind: string; phase: string }) => void;
}

/** Runs jobs: one at most for each lane of a service, a few at a time; every one of them ends as Succeeded, Failed or Cancelled. */
export class JobRunner {
  readonly #state: StateStore;
  readonly #now: () => number;
  readonly #turns: Turns;
  /** Verifications have turns of their own: they take long, and must keep no backup waiting. */
  readonly #verifyTurns = new Turns(2);
  readonly #retryMs: number;
  readonly #log: JobRunnerOptions['log'];
  readonly #onPhase: JobRunnerOptions['onPhase'];
  readonly #active = new Map<number, ActiveJob>();
  readonly #listeners = new Set<() => void>();
  #closed = false;

  constructor(state: StateStore, options: JobRunnerOptions = {}) {
    this.#state = state;
    this.#now = options.now ?? Date.now;
    this.#turns = new Turns(options.parallel ?? 4);
    this.#retryMs = options.retryMs ?? 2000;
    this.#log = options.log;
    this.#onPhase = options.onPhase;
  }

  /** Takes the lanes, or throws `conflict` naming the job that holds them. */
  reserve(job: NewJob): ReservedJob {
    if (this.#closed) throw new SkybackupError('unavailable', 'The daemon is stopping and takes no new work.');
    const result = this.#state.jobs.reserve(job);
    if ('busy' in result) throw busyError(result.busy);
    const { reserved } = result;
    return {
      row: reserved,
      start: (work) => this.#launch(reserved, work),
      abandon: () => this.#state.jobs.abandon(reserved.id),
    };
  }

  /** Asks a job to stop; false when it is not active. It may still succeed, when it was past the point of no return. */
  cancel(id: number): boolean {
    const job = this.#active.get(id);
    job?.abort.abort(new SkybackupError('cancelled', 'The job was cancelled.'));
    return job !== undefined;
  }

  progressOf(id: number): LiveProgress | undefined {
    const job = this.#active.get(id);
    if (job === undefined) return undefined;
    const rate = job.rate.perSecond(this.#now());
    const left = job.total === undefined || job.bytes === undefined ? undefined : Math.max(0, job.total - job.bytes);
    return {
      phase: job.phase,
      message: job.message,
      bytes: job.bytes,
      total_bytes: job.total,
      bytes_per_second: rate,
      eta_seconds: left === undefined || rate === undefined || rate === 0 ? undefined : Math.ceil(left / rate),
    };
  }

  get activeCount(): number {
    return this.#active.size;
  }

  /** Called after every job's end. */
  onEnd(listener: () => void): void {
    this.#listeners.add(listener);
  }

  async ended(id: number): Promise<void> {
    await this.#active.get(id)?.done;
  }

  /** Takes no more jobs, cancels those that run, and resolves when all have ended. */
  async stop(): Promise<void> {
    this.#closed = true;
    const reason = new SkybackupError('interrupted', 'The daemon was stopped while the job ran.');
    for (const job of this.#active.values()) job.abort.abort(reason);
    await Promise.all([...this.#active.values()].map((job) => job.done));
  }

  #launch<T>(row: JobRow, work: JobWork<T>): void {
    const job: ActiveJob = {
      id: row.id,
      abort: new AbortController(),
      rate: new JobRate(),
      phase: undefined,
      message: undefined,
      bytes: undefined,
      total: undefined,
      done: Promise.resolve(),
    };
    this.#active.set(row.id, job);
    job.done = this.#carryOut(row, job, work).finally(() => {
      this.#active.delete(row.id);
      for (const listener of this.#listeners) listener();
    });
  }

  async #carryOut<T>(row: JobRow, job: ActiveJob, work: JobWork<T>): Promise<void> {
    const turns = row.lane === 'verify' ? this.#verifyTurns : this.#turns;
    await turns.take(job.abort.signal);
    let finish: () => void;
    try {
      job.abort.signal.throwIfAborted();
      this.#state.jobs.start(row.id);
      const result = await work.run(this.#contextOf(row, job));
      finish = () => {
        const message = work.succeeded(result);
        this.#state.jobs.end(row.id, { status: 'Succeeded', message });
      };
    } catch (error) {
      this.#log?.({ job: row.id, kind: row.kind, error });
      const end = endOf(error, job.abort.signal);
      finish = () => {
        work.failed(end);
        this.#state.jobs.end(row.id, end);
      };
    } finally {
      turns.giveBack();
    }
    const { phase, message, bytes, total: total_bytes } = job;
    await this.#writeEnd(row, work, () => {
      this.#state.jobs.progress(row.id, { phase, message, bytes, total_bytes });
      finish();
    });
  }

  /** Until it is written: a job that ended must not stay Running because the disk was full for a while. */
  async #writeEnd<T>(row: JobRow, work: JobWork<T>, finish: () => void): Promise<void> {
    let write = finish;
    for (;;) {
      try {
        this.#state.transaction(write);
        return;
      } catch (error) {
        this.#log?.({ job: row.id, kind: row.kind, error });
        if (!isDatabaseError(error)) {
          // Its result cannot be recorded, and would not be the next time either.
          const end = endOf(error);
          write = () => {
            work.failed(end);
            this.#state.jobs.end(row.id, end);
          };
        } else if (this.#closed) {
          // Stopping: the next start finds the job without a worker and ends it.
          return;
        } else {
          await delay(this.#retryMs, undefined, { ref: false });
        }
      }
    }
  }

  #contextOf({ id, kind }: JobRow, job: ActiveJob): JobContext {
    return {
      signal: job.abort.signal,
      phase: (name, message) => {
        job.phase = name;
        job.message = message;
        job.bytes = undefined;
        job.total = undefined;
        job.rate.reset();
        // Phases are written so that an interrupted job still tells how far it came; bytes change too often for that.
        this.#state.jobs.progress(id, { phase: name, message });
        this.#onPhase?.({ job: id, kind, phase: name });
      },
      progress: (bytes, totalBytes) => {
        job.bytes = bytes;
        job.total = totalBytes ?? job.total;
        job.rate.add(this.#now(), bytes);
      },
      warn: (message) => this.#state.jobs.warn(id, redact(message)),
    };
  }
}
