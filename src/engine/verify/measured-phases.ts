import type { JobContext } from '../job-context.ts';
import type { MeasuredPhase } from '../store/verifications-table.ts';

/** A job's phases with a clock beside them, and its warnings kept. */
export interface MeasuredJob extends JobContext {
  /** Those that ended and the one that goes on, in their order. */
  phases(): MeasuredPhase[];
  /** Milliseconds since the first phase began. */
  elapsedMs(): number;
  readonly warnings: readonly string[];
}

export function measured(job: JobContext, clock: () => number = () => performance.now()): MeasuredJob {
  const phases: { phase: string; begun: number; bytes: number | undefined }[] = [];
  const warnings: string[] = [];
  return {
    signal: job.signal,
    warnings,
    phase(name, message) {
      phases.push({ phase: name, begun: clock(), bytes: undefined });
      job.phase(name, message);
    },
    progress(bytes, total) {
      const current = phases.at(-1);
      if (current !== undefined) current.bytes = bytes;
      job.progress(bytes, total);
    },
    warn(message) {
      warnings.push(message);
      job.warn(message);
    },
    phases: () =>
      phases.map(({ phase, begun, bytes }, place) => {
        const seconds = ((phases[place + 1]?.begun ?? clock()) - begun) / 1000;
        return { phase, seconds: Math.round(seconds * 1000) / 1000, ...(bytes === undefined ? {} : { bytes }) };
      }),
    elapsedMs: () => Math.round(clock() - (phases[0]?.begun ?? clock())),
  };
}
